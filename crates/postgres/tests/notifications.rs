//! Who is notified of what.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::{
    ids::{AccountId, TenantId},
    notifications::{
        Notice, NotificationType,
        ports::{NotificationFilter, NotificationReader},
    },
    records::{About, RecordType},
    store::{Store, UnitOfWork},
    users::Role,
};
use bwp_postgres::testing::Fixture;

async fn person(fixture: &Fixture, tenant: TenantId, role: Role, deactivated_at: &str) -> AccountId {
    let make = format!(
        "INSERT INTO accounts (email, password_hash, created_at) VALUES (gen_random_uuid(), 'x', now());
         INSERT INTO users (tenant_id, account_id, role, created_at, deactivated_at)
         SELECT {tenant}, max(id), '{role}', now(), {deactivated_at} FROM accounts"
    );
    fixture.run(&make).await;
    AccountId::new(fixture.number("SELECT max(id) FROM accounts").await).expect("positive")
}

fn notice(kind: NotificationType) -> Notice {
    Notice {
        kind,
        title: "A \"title\"".to_owned(),
        message: None,
        about: Some(About { kind: RecordType::Project, id: 7 }),
    }
}

async fn notify(
    fixture: &Fixture,
    mut uow: Box<dyn UnitOfWork>,
    tenant: TenantId,
    kind: NotificationType,
    people: &[AccountId],
    roles: &[Role],
) {
    let now = fixture.environment.clock.now();
    uow.notifications().notify(tenant, &notice(kind), people, roles, now).await.expect("done");
    uow.commit().await.expect("a commit");
}

async fn told(fixture: &Fixture, tenant: TenantId, person: AccountId) -> Vec<String> {
    let all = fixture.store.notifications(tenant, person, &NotificationFilter::default(), 0, 100).await.expect("read");
    all.into_iter().map(|notification| notification.kind).collect()
}

/// By asking, and by what is to be expected: the same people are told.
#[tokio::test]
async fn those_are_passed_over_whom_it_does_not_concern() {
    let fixture = Fixture::new().await;
    let [tenant, other] = [fixture.tenant().await.id, fixture.tenant().await.id];
    let member = person(&fixture, tenant, Role::Member, "NULL").await;
    let crew = person(&fixture, tenant, Role::FieldCrew, "NULL").await;
    let gone = person(&fixture, tenant, Role::Member, "now()").await;
    let muted = person(&fixture, tenant, Role::Member, "NULL").await;
    let foreign = person(&fixture, other, Role::Member, "NULL").await;
    let mut uow = fixture.begin().await;
    for _ in 0..2 {
        uow.notifications().mute(tenant, muted, NotificationType::Mention, true).await.expect("done");
    }
    uow.commit().await.expect("a commit");
    assert_eq!(fixture.store.muted(tenant, muted).await.ok(), Some(vec![NotificationType::Mention]));
    let everybody = [member, crew, gone, muted, foreign];
    let key = fixture.key(tenant).await;
    let credential = bwp_domain::keys::ports::KeyReader::find_by_hash(&fixture.store, &key.secret.hash()).await;
    let credential = credential.expect("read").expect("a key");
    for expecting in [false, true] {
        let begin = async || {
            if expecting { fixture.store.begin_expecting(&credential).expect("begun") } else { fixture.begin().await }
        };
        for (kind, roles) in [(NotificationType::Mention, &Role::ALL[..]), (NotificationType::Comment, &[Role::Member])]
        {
            notify(&fixture, begin().await, tenant, kind, &everybody, roles).await;
        }
        let times = if expecting { 2 } else { 1 };
        let all = |kinds: &[&str]| kinds.repeat(times).iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>();
        assert_eq!(told(&fixture, tenant, member).await, all(&["comment", "mention"]));
        assert_eq!(told(&fixture, tenant, crew).await, all(&["mention"]));
        assert_eq!(told(&fixture, tenant, gone).await, all(&[]));
        assert_eq!(told(&fixture, tenant, muted).await, all(&["comment"]));
        assert_eq!(told(&fixture, tenant, foreign).await, all(&[]));
    }
    // Switched on again.
    let mut uow = fixture.begin().await;
    uow.notifications().mute(tenant, muted, NotificationType::Mention, false).await.expect("done");
    uow.notifications()
        .notify(tenant, &notice(NotificationType::Mention), &[muted], &Role::ALL, fixture.environment.clock.now())
        .await
        .expect("done");
    // Undone, it was never told.
    uow.rollback().await.expect("a roll-back");
    assert_eq!(told(&fixture, tenant, muted).await.len(), 2);
}
