//! People, for tests that need some.

use bwp_domain::{
    accounts::PasswordHash,
    execute::{Command, Context},
    ids::TenantId,
    principal::{Caller, Principal},
    scopes::ScopeSet,
    sessions::{OpenSession, SessionToken, choose, ports::SessionReader, ports::SessionRecord},
    text::Email,
    users::{AccountToUse, CreateUser, Role, User},
};

use super::Fixture;

#[expect(clippy::expect_used, reason = "a test whose start fails has failed")]
#[expect(clippy::missing_panics_doc, reason = "said once, at the type")]
impl Fixture {
    /// A new user of the tenant, and an account unless somebody has one with the address.
    pub async fn user(&self, tenant: TenantId, email: &str, role: Role) -> User {
        let email = Email::parse(email.to_owned()).expect("an address");
        let principal = Principal::Operator(tenant);
        let context = Context::new(&principal, &self.environment);
        let mut uow = self.begin().await;
        let account = match uow.accounts().lock_by_email(&email).await.expect("an answer") {
            Some(_) => AccountToUse::Existing,
            None => AccountToUse::New(PasswordHash::from_stored("$argon2id$stored".to_owned())),
        };
        let command = CreateUser { email, role, account };
        let made = command.apply(&context, &mut *uow).await.expect("a user");
        uow.commit().await.expect("a commit");
        made.output.user
    }

    /// A new session of the user's account that acts as the user.
    pub async fn sign_in(&self, user: &User) -> (SessionToken, OpenSession) {
        let token = SessionToken::generate(&*self.environment.entropy);
        let record = SessionRecord {
            account: user.account.id,
            hash: token.hash(),
            acts_as: Some((user.tenant, user.id)),
            created_at: self.environment.clock.now(),
            address: None,
            user_agent: None,
        };
        let mut uow = self.begin().await;
        uow.sessions().insert(record).await.expect("a session");
        uow.commit().await.expect("a commit");
        let open = self.session(&token).await.expect("an open session");
        (token, open)
    }

    /// The session with this token now.
    pub async fn session(&self, token: &SessionToken) -> Option<OpenSession> {
        self.store.find(&token.hash(), self.environment.clock.now()).await.expect("a look")
    }

    /// The session, acting for another tenant.
    pub async fn choose(&self, open: &OpenSession, tenant: TenantId) -> (SessionToken, OpenSession) {
        let token = choose(&self.store, &self.environment, open, None, tenant).await.expect("chosen");
        let open = self.session(&token).await.expect("an open session");
        (token, open)
    }
}

/// Who asks, acting by this session.
///
/// # Panics
/// If it acts as nobody.
#[expect(clippy::expect_used, reason = "a test's own session")]
pub fn caller(open: &OpenSession) -> Caller {
    let signed_in = open.signed_in.clone().expect("a session that acts as somebody");
    Caller { principal: Principal::User(signed_in), address: None, needs: ScopeSet::EMPTY }
}
