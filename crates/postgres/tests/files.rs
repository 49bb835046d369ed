//! Which bytes tenants keep.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::sync::Arc;

use bwp_domain::{
    entropy::Entropy,
    files::{
        FileName, Measure,
        ports::{FileUsage, Kept, StoredBytes},
    },
    ids::TenantId,
};
use bwp_postgres::testing::Fixture;

struct Fixed(u8);

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

/// So many bytes, which lie in the store as file `name`.
fn bytes(name: u8, size: usize) -> StoredBytes {
    let mut measure = Measure::default();
    measure.take(&vec![1; size]);
    let measured = measure.end();
    let name = FileName::generate(FileName::DOCUMENTS, &Fixed(name));
    StoredBytes { name, digest: measured.digest, size: measured.size }
}

async fn keep(fixture: &Fixture, tenant: TenantId, bytes: &StoredBytes) -> Kept {
    let mut uow = fixture.begin().await;
    let kept = uow.files().keep(tenant, bytes, fixture.environment.clock.now()).await.expect("kept");
    uow.commit().await.expect("a commit");
    kept
}

#[tokio::test]
async fn the_same_bytes_are_kept_once_and_counted_once() {
    let fixture = Fixture::new().await;
    let [own, other] = [fixture.tenant().await.id, fixture.tenant().await.id];
    assert_eq!(fixture.store.used(own).await.expect("an answer"), 0);
    let name = |number: u8| FileName::generate(FileName::DOCUMENTS, &Fixed(number));
    assert_eq!(keep(&fixture, own, &bytes(1, 100)).await, Kept { name: name(1), total: 100 });
    assert_eq!(keep(&fixture, own, &bytes(2, 100)).await, Kept { name: name(1), total: 100 });
    assert_eq!(keep(&fixture, own, &bytes(3, 50)).await, Kept { name: name(3), total: 150 });
    assert_eq!(keep(&fixture, own, &bytes(4, 0)).await, Kept { name: name(4), total: 150 });
    assert_eq!(keep(&fixture, other, &bytes(5, 100)).await, Kept { name: name(5), total: 100 });
    assert_eq!((fixture.store.used(own).await.ok(), fixture.store.used(other).await.ok()), (Some(150), Some(100)));
    // What is rolled back was never kept.
    let mut uow = fixture.begin().await;
    uow.files().keep(own, &bytes(6, 7), fixture.environment.clock.now()).await.expect("kept");
    uow.rollback().await.expect("a roll-back");
    assert_eq!(fixture.store.used(own).await.ok(), Some(150));
}

#[tokio::test]
async fn those_of_one_tenant_take_turns() {
    let fixture = Arc::new(Fixture::new().await);
    let tenant = fixture.tenant().await.id;
    let mut first = fixture.begin().await;
    first.files().keep(tenant, &bytes(1, 100), fixture.environment.clock.now()).await.expect("kept");
    let second = tokio::spawn({
        let fixture = Arc::clone(&fixture);
        async move { keep(&fixture, tenant, &bytes(2, 100)).await }
    });
    fixture.until_waiting(1).await;
    first.commit().await.expect("a commit");
    let kept = second.await.expect("it ends");
    assert_eq!((kept.name, kept.total), (bytes(1, 100).name, 100), "it sees what was committed before its turn");
}
