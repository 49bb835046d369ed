//! The second listener, for the operator alone: metrics, and what the server is ready for, in detail.

use std::{
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
    sync::Arc,
};

use actix_web::{
    App, HttpResponse,
    dev::ServerHandle,
    http::header::{CACHE_CONTROL, ContentType},
    web::{self, Data},
};
use anyhow::Context;
use bwp_web::{
    head,
    readiness::Readiness,
    server::{self, ServerLimits},
};

use super::metrics::Metrics;

/// The running listener.
pub(super) struct Admin {
    /// Where it listens.
    pub(super) address: SocketAddr,
    server: ServerHandle,
}

/// Takes its address.
pub(super) fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    server::bind(address)
        .with_context(|| format!("cannot listen on {address}; choose another address with --admin-listen"))
}

impl Admin {
    /// Starts to answer.
    pub(super) fn start(listener: TcpListener, metrics: Metrics, readiness: Arc<Readiness>) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        // Who scrapes is few, and must not compete with who is served.
        let limits = ServerLimits { workers: NonZeroUsize::new(1), max_connections: 64, ..ServerLimits::default() };
        let (metrics, readiness) = (Data::new(metrics), Data::from(readiness));
        let app = move || {
            App::new()
                .app_data(metrics.clone())
                .app_data(readiness.clone())
                .route("/metrics", web::get().to(show_metrics))
                .route("/readyz", web::get().to(show_readiness))
                .route("/healthz", web::get().to(async || "ok\n"))
                .wrap(head::answer_like_get())
        };
        let server = server::serve(listener, &limits, app)?;
        let handle = server.handle();
        actix_web::rt::spawn(server);
        tracing::info!(%address, "serving metrics and readiness");
        Ok(Self { address, server: handle })
    }

    /// Stops at once.
    pub(super) async fn stop(self) {
        self.server.stop(false).await;
    }
}

async fn show_metrics(metrics: Data<Metrics>) -> HttpResponse {
    match metrics.text() {
        Ok(text) => HttpResponse::Ok().content_type(Metrics::MEDIA_TYPE).body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}

async fn show_readiness(readiness: Data<Readiness>) -> HttpResponse {
    let report = readiness.report().await;
    let mut answer = if report.is_ready() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.insert_header((CACHE_CONTROL, "no-store")).content_type(ContentType::plaintext()).body(report.to_string())
}
