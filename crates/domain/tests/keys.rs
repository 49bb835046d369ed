//! The rules of making keys, and what must never be seen of them.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::sync::{Arc, Mutex};

use bwp_domain::{
    clock::Timestamp,
    entropy::Entropy,
    execute::{Applied, Command, Context, Environment, Executed, Failure},
    idempotency::RenderedResponse,
    keys::{
        Allowlist, ApiKey, CreateKey, CreatedBy, CreatedKey, KeyError, KeyHash, KeyMode, KeyName, KeySecret, NewKey,
        ports::KeyRecord,
    },
    principal::{Caller, KeyCredential, Principal},
    rate_limits::RateLimit,
    scopes::{ScopeId, ScopeSet},
    testing::{ScriptedUnitOfWork, credential, environment, tenant_id},
};
use futures_executor::block_on;
use mockall::predicate::{always, eq};
use proptest::prelude::*;

fn apply<C>(
    environment: &Environment,
    uow: &mut ScriptedUnitOfWork,
    command: &C,
) -> Result<Applied<C::Output>, Failure<C::Error>>
where
    C: Command<ScriptedUnitOfWork>,
{
    let principal = Principal::Operator(tenant_id(1));
    block_on(command.apply(&Context::new(&principal, environment), uow))
}

fn new_key(expires_at: Option<Timestamp>) -> CreateKey {
    let key = NewKey {
        name: KeyName::parse("import".to_owned()).expect("a name"),
        scopes: ScopeSet::of(&[ScopeId::ContactsRead]),
        allowlist: Allowlist::any(),
        rate_limit: RateLimit::OF_KEY,
        expires_at,
    };
    CreateKey::new(KeyMode::Live, key)
}

fn stored() -> ApiKey {
    credential(&[ScopeId::ContactsRead]).key
}

/// A key that was made, and what a store was given to keep of it.
fn create(environment: &Environment) -> (CreatedKey, KeyRecord) {
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let mut uow = ScriptedUnitOfWork::default();
    uow.keys.expect_insert().with(eq(tenant_id(1)), always()).times(1).return_once(move |_, record| {
        *keep.lock().expect("one thread") = Some(record);
        Ok(stored())
    });
    let made = apply(environment, &mut uow, &new_key(None)).expect("made");
    assert_eq!(made.events, []);
    let record = kept.lock().expect("one thread").take().expect("a record");
    (made.output, record)
}

#[test]
fn a_store_is_given_the_hash_and_the_shown_part_and_never_the_key() {
    let environment = environment();
    let (made, record) = create(&environment);
    assert_eq!(record.hash, made.secret.hash());
    assert_eq!(record.display_prefix, made.secret.expose()[..13]);
    assert_eq!((record.created_at, record.created_by), (environment.clock.now(), CreatedBy::Operator));
    assert_eq!(record.replaces, None);
    assert_eq!(KeySecret::parse(made.secret.expose()), Ok(made.secret));
}

#[test]
fn no_two_keys_are_alike() {
    let environment = environment();
    let ((one, first), (other, second)) = (create(&environment), create(&environment));
    assert_ne!(one.secret, other.secret);
    assert_ne!(first.public_id, second.public_id);
}

proptest! {
    #[test]
    fn a_key_must_expire_later_than_now(offset in prop_oneof![-2_i64..3, any::<i32>().prop_map(i64::from)]) {
        let environment = environment();
        let at = Timestamp::from_unix_millis(environment.clock.now().unix_millis() + offset);
        let mut uow = ScriptedUnitOfWork::default();
        if offset > 0 {
            uow.keys.expect_insert().times(1).return_once(|_, _| Ok(stored()));
        }
        let made = apply(&environment, &mut uow, &new_key(Some(at)));
        match made {
            Ok(_) => prop_assert!(offset > 0),
            Err(Failure::Rejected(error)) => prop_assert_eq!((error, offset <= 0), (KeyError::ExpiryInThePast, true)),
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }
}

struct Fixed([u8; 32]);

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        for (byte, given) in bytes.iter_mut().zip(self.0.iter().cycle()) {
            *byte = *given;
        }
    }
}

/// Whether text tells of a key more than the part that may be shown, in any way that `Debug` writes bytes.
fn tells(text: &str, secret: &KeySecret) -> bool {
    let hidden = &secret.expose()[13..];
    let decimal = |bytes: &[u8]| bytes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let hash = secret.hash();
    let hex = hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    [hidden.to_owned(), decimal(hidden.as_bytes()), decimal(hash.as_bytes()), hex]
        .iter()
        .any(|told| text.contains(told))
}

proptest! {
    #[test]
    fn debug_output_tells_no_secret(random: [u8; 32]) {
        let environment = Environment { entropy: Arc::new(Fixed(random)), ..environment() };
        let (made, record) = create(&environment);
        let secret = made.secret.clone();
        let hash: KeyHash = secret.hash();
        let credential = KeyCredential { key: ApiKey { display_prefix: record.display_prefix.clone(), ..stored() }, ..credential(&[]) };
        let principal = Principal::Key(Arc::new(credential.clone()));
        let caller = Caller { principal: principal.clone(), address: None, needs: ScopeSet::EMPTY };
        let response = RenderedResponse { status: 201, headers: vec![], body: secret.expose().as_bytes().to_vec() };
        let applied = Applied::silently(CreatedKey { key: stored(), secret: secret.clone() });
        let mut seen = vec![
            format!("{secret:?} {hash:?} {made:?} {record:?} {credential:?} {principal:?} {caller:?} {response:?} {applied:?}"),
            format!("{made:#?} {record:#?} {response:#?}"),
        ];
        let executed = Executed::Applied { output: made, response: response.clone() };
        seen.push(format!("{executed:?}"));
        seen.push(format!("{:?}", Executed::<CreatedKey>::Replayed(response)));
        for text in seen {
            prop_assert!(!tells(&text, &secret), "{text}");
        }
        prop_assert!(tells(secret.expose(), &secret), "the check itself works");
    }
}

#[test]
fn a_name_has_1_to_100_characters_blanks_included() {
    for good in ["a", " a ", &"é".repeat(100)] {
        assert!(KeyName::parse(good.to_owned()).is_ok(), "{good:?}");
    }
    for bad in
        ["", " \t", "a\0", "a\nb", "a\u{202e}b", "\u{200b}\u{2060}", &"é".repeat(101), &format!("a{}", " ".repeat(100))]
    {
        assert!(KeyName::parse(bad.to_owned()).is_err(), "{bad:?}");
    }
    // Names of before go on being read.
    for old in ["a\nb", "a\u{202e}b", "\u{200b}\u{2060}"] {
        assert_eq!(KeyName::stored(old.to_owned()).expect("stored").as_str(), old);
    }
}
