//! x
use bwp_postgres::testing::TestDatabase;
use std::time::Instant;
#[tokio::test]
async fn smoke() {
    for _ in 0..8 {
        let t = Instant::now();
        let db = TestDatabase::new().await;
        println!("new {:?}", t.elapsed());
        let t = Instant::now();
        db.store().ping().await.unwrap();
        println!("ping {:?}", t.elapsed());
    }
}
