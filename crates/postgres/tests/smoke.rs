//! x
use bwp_domain::{contacts::ports::ContactReader, execute::{execute, Executed}, idempotency::*, principal::Caller, testing::{details, environment}, tenants::{NewTenant,TenantName}, store::Store, contacts::{CreateContact, ContactFilter}, paging::*};
use bwp_postgres::testing::TestDatabase;
#[tokio::test]
async fn smoke() {
    let db = TestDatabase::new().await;
    let store = db.store();
    let env = environment();
    let mut uow = store.begin().await.unwrap();
    let t = uow.tenants().insert(NewTenant::new(TenantName::parse("x".into()).unwrap(), &env)).await.unwrap();
    uow.commit().await.unwrap();
    let req = KeyedRequest { key: IdempotencyKey::parse("k").unwrap(), fingerprint: Fingerprint::of("POST", "/", b"{}") };
    for n in 0..2 {
        let done = execute(&store, &env, &Caller::operator(t.id), Some(&req), &CreateContact(details("Acme")), |_| RenderedResponse { status: 201, ..Default::default() }).await.unwrap();
        assert_eq!(matches!(done, Executed::Replayed(_)), n == 1);
    }
    let f = ContactFilter { search: bwp_domain::contacts::SearchText::parse("ACM").unwrap(), ..Default::default() };
    let page = store.list(t.id, &f, PageRequest { limit: Limit::DEFAULT, after: Some(Position { created_at: bwp_domain::clock::Timestamp::MAX, id: 5 }) }).await;
    println!("{page:?}");
    assert_eq!(page.unwrap().items.len(), 1);
    println!("{:?}", store.summary(t.id, &f).await);
}
