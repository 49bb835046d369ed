//! What every limiter must do.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use bwp_domain::{
    rate_limits::{Admission, Budgets, Counter, Layer, Standing, ports::RateLimiter},
    testing::tenant_id,
};
use bwp_redis::testing::RedisServer;
use tokio::task::JoinSet;

use crate::support::{budgets, charge, limiter, tenant, used};

#[tokio::test]
async fn the_tenant_pays_units_and_the_key_requests() {
    let server = RedisServer::start();
    let limiter = limiter(&server).await;
    let budgets = budgets(100, 7, 60);
    let Admission::Admitted(standing) = charge(&limiter, &budgets, 5).await else { panic!("there is room") };
    let of_tenant = Counter { limit: 100, used: 5, remaining: 95, reset_seconds: 3_600, window_seconds: 3_600 };
    let of_key = Counter { limit: 60, used: 1, remaining: 59, reset_seconds: 60, window_seconds: 60 };
    assert_eq!(standing, Standing { tenant: of_tenant, key: Some(of_key) });
    for _ in 0..2 {
        let looked = limiter.standing(tenant(), &budgets).await.expect("an answer");
        assert_eq!(used(&looked), (5, 1), "looking costs nothing");
    }
}

#[tokio::test]
async fn who_is_refused_by_one_layer_is_charged_by_none() {
    let server = RedisServer::start();
    let limiter = limiter(&server).await;
    let (one, other) = (budgets(20, 1, 2), budgets(20, 2, 60));
    assert!(matches!(charge(&limiter, &one, 5).await, Admission::Admitted(_)));
    assert!(matches!(charge(&limiter, &one, 5).await, Admission::Admitted(_)));
    let Admission::Refused { layer, standing } = charge(&limiter, &one, 5).await else { panic!("no room") };
    assert_eq!((layer, used(&standing)), (Layer::Key, (10, 2)));
    assert!(matches!(charge(&limiter, &other, 200).await, Admission::Admitted(_)));
    let Admission::Refused { layer, standing } = charge(&limiter, &other, 1).await else { panic!("no room") };
    assert_eq!((layer, used(&standing)), (Layer::Tenant, (210, 1)));
    assert_eq!(standing.tenant.remaining, 0);
    assert!((3_590..=3_600).contains(&standing.tenant.reset_seconds), "{standing:?}");
    // Both are spent: the one that has room later is named.
    let Admission::Refused { layer, standing } = charge(&limiter, &one, 1).await else { panic!("no room") };
    assert_eq!((layer, used(&standing)), (Layer::Tenant, (210, 2)));
}

#[tokio::test]
async fn tenants_do_not_share() {
    let server = RedisServer::start();
    let limiter = limiter(&server).await;
    let budgets = budgets(1, 1, 1);
    for id in 1..20 {
        let charge = || async { limiter.charge(tenant_id(id), &budgets, 1).await.expect("an answer") };
        assert!(matches!(charge().await, Admission::Admitted(_)), "{id}");
        assert!(matches!(charge().await, Admission::Refused { .. }), "{id}");
    }
}

#[tokio::test]
async fn without_a_limit_nothing_is_tracked() {
    let server = RedisServer::start();
    let limiter = limiter(&server).await;
    let keys = || server.command::<Vec<String>>(&["KEYS", "bwp:rate:{1}*"]);
    for _ in 0..20 {
        let Admission::Admitted(standing) = charge(&limiter, &budgets(0, 1, 0), 200).await else { panic!("no limit") };
        assert_eq!(used(&standing), (0, 0));
    }
    assert_eq!(keys(), [""; 0]);
    let Admission::Admitted(standing) = charge(&limiter, &budgets(0, 1, 5), 5).await else { panic!("room") };
    assert_eq!((used(&standing), keys()), ((0, 1), vec!["bwp:rate:{1}:key:1".to_owned()]));
    let Admission::Admitted(standing) = charge(&limiter, &budgets(50, 1, 0), 5).await else { panic!("room") };
    assert_eq!(used(&standing), (5, 0));
    let no_key = Budgets { key: None, ..budgets(50, 1, 0) };
    let Admission::Admitted(standing) = charge(&limiter, &no_key, 5).await else { panic!("room") };
    assert_eq!((standing.tenant.used, standing.key), (10, None));
    assert_eq!(keys().len(), 2);
}

#[tokio::test]
async fn a_redis_that_forgot_the_script_is_told_it_again() {
    let server = RedisServer::start();
    let limiter = limiter(&server).await;
    for expected in 1..5 {
        server.command::<String>(&["SCRIPT", "FLUSH"]);
        let Admission::Admitted(standing) = charge(&limiter, &budgets(0, 1, 10), 1).await else { panic!("room") };
        assert_eq!(used(&standing), (0, expected));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_exactly_as_many_are_admitted_as_there_is_room_for() {
    let server = RedisServer::start();
    for (id, tenant_limit, key_limit) in [(1, 500, 0), (2, 0, 500), (3, 500, 500)] {
        let (admitted, mut tasks) = (Arc::new(AtomicU32::new(0)), JoinSet::new());
        for _ in 0..4 {
            // As many servers.
            let limiter = limiter(&server).await;
            for _ in 0..10 {
                let (limiter, admitted) = (Arc::clone(&limiter), Arc::clone(&admitted));
                tasks.spawn(async move {
                    for _ in 0..25 {
                        let budgets = budgets(tenant_limit, id, key_limit);
                        let charged = limiter.charge(tenant_id(id), &budgets, 1).await.expect("an answer");
                        if let Admission::Admitted(_) = charged {
                            admitted.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        }
        tasks.join_all().await;
        assert_eq!(admitted.load(Ordering::Relaxed), 500);
    }
}
