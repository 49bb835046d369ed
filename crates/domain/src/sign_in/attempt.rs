//! An attempt to sign in.

use std::net::IpAddr;

use super::{Counted, DEVICE_LIFETIME, DeviceToken, FailuresKey, Refused, TooMany};
use crate::{
    accounts::{
        Account, TypedPassword,
        ports::{Asker, PasswordHasher, PasswordHasherError, StoredAccount},
    },
    audit::Excerpt,
    clock::Timestamp,
    execute::Environment,
    ids::{AccountId, DeviceId},
    sessions::{Membership, SessionToken, note_signed_in, ports::SessionRecord},
    store::{Store, StoreError, UnitOfWork, ended},
    text::Email,
};

/// From where somebody signs in.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The client's address. `None` if it could not be determined.
    pub address: Option<IpAddr>,
    /// What the browser calls itself, in at most [`MAX_USER_AGENT`](Self::MAX_USER_AGENT) bytes.
    pub user_agent: Option<Excerpt>,
    /// By what the browser is known, if it is.
    pub device: Option<DeviceToken>,
}

impl Origin {
    /// How much is kept of what a browser calls itself, in bytes.
    pub const MAX_USER_AGENT: usize = 300;
}

/// What somebody shows to be let in.
#[derive(Clone, Debug)]
pub struct SignInAttempt {
    /// The address, as they typed it.
    pub email: String,
    /// The password, as they typed it.
    pub password: TypedPassword,
    /// From where.
    pub origin: Origin,
}

/// Somebody signed in just now: the only moment at which the tokens are known.
#[derive(Debug)]
pub struct SignedInNow {
    /// By what the session is known.
    pub session: SessionToken,
    /// By what the browser is known from now on.
    pub device: DeviceToken,
    /// The person.
    pub account: Account,
    /// Where they are an active user. With one alone they act as it already; with many they choose; with none they cannot.
    pub memberships: Vec<Membership>,
}

/// Why somebody was not signed in.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SignInError {
    /// The address or the password is wrong. Which one is not said.
    #[error("the e-mail address or the password is wrong")]
    Wrong,
    /// There were too many failures.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// Too many passwords are being looked at just now, or none can be.
    #[error(transparent)]
    Hasher(#[from] PasswordHasherError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An attempt that was admitted, and counted as a failure.
struct Admitted {
    account: Option<StoredAccount>,
    at: Timestamp,
    /// The browser, if its owner has signed in with it before.
    known: Option<DeviceId>,
}

/// Signs in who shows the right address and password.
///
/// Whether somebody has the address cannot be told from the answer, nor from how long it takes. No transaction is open
/// while the password is looked at; what was read before that is read again in the one that makes the session, under the
/// account's lock. Who is among the `refused` costs the store nothing.
pub async fn sign_in(
    store: &dyn Store,
    environment: &Environment,
    hasher: &dyn PasswordHasher,
    refused: &Refused,
    attempt: SignInAttempt,
) -> Result<SignedInNow, SignInError> {
    // What cannot be stored is nobody's address.
    let email = Email::typed(&attempt.email).map_err(|_| SignInError::Wrong)?;
    // Nor is this anybody's password: it is no guess either.
    if attempt.password.is_too_long() {
        return Err(SignInError::Wrong);
    }
    refused.check(&before_looking(&email, &attempt.origin), environment.clock.now())?;
    let mut uow = store.begin().await?;
    let admitted = look_up(&mut *uow, environment, refused, &email, &attempt.origin).await;
    let admitted = ended(uow, admitted).await?;
    let hash = admitted.account.as_ref().map(|stored| stored.password.clone());
    let asker = if admitted.known.is_some() { Asker::Known } else { Asker::Stranger };
    let right = match hasher.verify(attempt.password, hash, asker).await {
        Ok(right) => right,
        Err(error) => {
            // Nobody looked at the password: it was no guess.
            let mut uow = store.begin().await?;
            let counted = counted(&email, admitted.account.as_ref(), &attempt.origin, admitted.known);
            let done = forgive(&mut *uow, refused, &counted, admitted.at).await;
            ended(uow, done).await?;
            return Err(error.into());
        }
    };
    let Some(stored) = admitted.account.as_ref().filter(|_| right) else { return Err(SignInError::Wrong) };
    let mut uow = store.begin().await?;
    let done = let_in(&mut *uow, environment, refused, &email, stored, &admitted, &attempt.origin).await;
    ended(uow, done).await
}

/// What an attempt is remembered under, as long as nobody has looked whether its browser is known. Without a token it is not.
fn before_looking(email: &Email, origin: &Origin) -> Vec<FailuresKey> {
    match &origin.device {
        Some(device) => vec![FailuresKey::of_attempt(&device.hash(), email)],
        None => keys(&counted(email, None, origin, None)),
    }
}

fn keys(counted: &[Counted<'_>]) -> Vec<FailuresKey> {
    counted.iter().map(Counted::key).collect()
}

/// Finds the account, and counts the attempt.
async fn look_up(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    refused: &Refused,
    email: &Email,
    origin: &Origin,
) -> Result<Admitted, SignInError> {
    let at = environment.clock.now();
    let found = uow.accounts().find_by_email(email).await?;
    // A database may take more letters for the same than is done here, where failures are counted by the address. Who was told of
    // both could tell by an odd letter whether somebody has the plain one.
    let account = found.filter(|stored| stored.account.email.folded() == email.folded());
    let device = origin.device.as_ref().map(DeviceToken::hash);
    let owners = match &device {
        Some(device) => uow.sign_ins().owners(device, at.minus(DEVICE_LIFETIME)).await?,
        None => Vec::new(),
    };
    let is_owner = |owner: AccountId| account.as_ref().is_some_and(|stored| stored.account.id == owner);
    let known = owners.into_iter().find(|(owner, _)| is_owner(*owner)).map(|(_, known)| known);
    let attempt = origin.device.as_ref().map(|device| FailuresKey::of_attempt(&device.hash(), email));
    let counted = counted(email, account.as_ref(), origin, known);
    // Without a token that was looked up before the unit of work began.
    let in_memory = if attempt.is_some() { refused.check(&keys(&counted), at) } else { Ok(()) };
    let admitted = match in_memory {
        Ok(()) => admit(uow, refused, &counted, at).await?,
        Err(too_many) => Err(too_many),
    };
    match admitted {
        Ok(()) => refused.forget(attempt.as_slice()),
        Err(too_many) => {
            if let Some(attempt) = attempt {
                refused.remember(attempt, too_many, at);
            }
            return Err(too_many.into());
        }
    }
    Ok(Admitted { account, at, known })
}

/// In a browser of its owner an account has failures of its own, whatever others do, even those at the same address.
fn counted<'a>(
    email: &'a Email,
    stored: Option<&'a StoredAccount>,
    origin: &Origin,
    known: Option<DeviceId>,
) -> Vec<Counted<'a>> {
    match (stored, known) {
        (Some(_), Some(known)) => vec![Counted::Device(known)],
        _ => vec![Counted::Address(origin.address), Counted::Email(email)],
    }
}

/// Counts a failure of each of these, unless one of them had too many, which is remembered then.
pub(crate) async fn admit(
    uow: &mut dyn UnitOfWork,
    refused: &Refused,
    counted: &[Counted<'_>],
    now: Timestamp,
) -> Result<Result<(), TooMany>, StoreError> {
    let keys = keys(counted);
    let mut failures = uow.sign_ins().lock_failures(&keys).await?;
    let mut longest = None;
    for ((of, key), failures) in counted.iter().zip(&keys).zip(&mut failures) {
        if let Err(too_many) = failures.admit(of.limit(), now) {
            refused.remember(*key, too_many, now);
            longest = longest.max(Some(too_many.retry_after));
        }
    }
    if let Some(retry_after) = longest {
        return Ok(Err(TooMany { retry_after }));
    }
    refused.forget(&keys);
    for (key, failures) in keys.iter().zip(&failures) {
        uow.sign_ins().store_failures(key, failures).await?;
    }
    Ok(Ok(()))
}

/// Takes back what [`admit`] counted at `at`.
pub(crate) async fn forgive(
    uow: &mut dyn UnitOfWork,
    refused: &Refused,
    counted: &[Counted<'_>],
    at: Timestamp,
) -> Result<(), StoreError> {
    let keys = keys(counted);
    let mut failures = uow.sign_ins().lock_failures(&keys).await?;
    for (key, failures) in keys.iter().zip(&mut failures) {
        failures.forgive(at);
        uow.sign_ins().store_failures(key, failures).await?;
    }
    refused.forget(&keys);
    Ok(())
}

async fn let_in(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    refused: &Refused,
    email: &Email,
    looked_at: &StoredAccount,
    admitted: &Admitted,
    origin: &Origin,
) -> Result<SignedInNow, SignInError> {
    let held = uow.accounts().lock(looked_at.account.id).await?;
    // The password was changed just now: the one that was typed is wrong.
    let held = held.filter(|held| held.password == looked_at.password).ok_or(SignInError::Wrong)?;
    forgive(uow, refused, &counted(email, Some(looked_at), origin, admitted.known), admitted.at).await?;
    // Refused, the attempt stays counted as a failure: who goes on with that is soon refused before the password is looked at.
    admit(uow, refused, &[Counted::SignIn(held.account.id)], environment.clock.now()).await??;
    Ok(start_session(uow, environment, held.account, origin, None).await?)
}

/// Makes a session of this account, whose lock this unit of work holds. It acts as `acts_as`, or else as the account's one
/// active user, if there is one alone, whose tenant's security log says so.
pub(crate) async fn start_session(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    account: Account,
    origin: &Origin,
    acts_as: Option<&Membership>,
) -> Result<SignedInNow, StoreError> {
    let now = environment.clock.now();
    let (session, device) =
        (SessionToken::generate(&*environment.entropy), DeviceToken::generate(&*environment.entropy));
    let known_as = origin.device.as_ref().map(DeviceToken::hash);
    uow.sign_ins().remember(account.id, known_as, &device.hash(), now).await?;
    let memberships = uow.sessions().memberships(account.id).await?;
    let alone = match memberships.as_slice() {
        [one] => Some(one),
        _ => None,
    };
    let acts_as = acts_as.or(alone);
    let record = SessionRecord {
        account: account.id,
        hash: session.hash(),
        acts_as: acts_as.map(|one| (one.tenant.id, one.user.id)),
        created_at: now,
        address: origin.address,
        user_agent: origin.user_agent.clone(),
    };
    let started = uow.sessions().insert(record).await?;
    if let Some(Membership { user, .. }) = acts_as {
        note_signed_in(uow, started.id, user, origin.address, now).await?;
    }
    Ok(SignedInNow { session, device, account, memberships })
}
