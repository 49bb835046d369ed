//! What every actix-web surface of this server shares: who is calling, which request this is, how much of it is read and for how
//! long, and which headers go out with the answer. It knows nothing of keys, contacts or SQL.
//!
//! A surface wraps its `App` in this order (actix-web runs the *last* wrap first, so read it from the bottom):
//!
//! ```
//! use std::sync::Arc;
//! use actix_web::{App, HttpResponse, http::StatusCode};
//! use bwp_web::{body, client_address::TrustedProxies, compress, head, headers, limits, observe::{self, Observer}};
//!
//! let observer = Observer {
//!     new_request_id: Arc::new(|| "req_…".to_owned()),
//!     trusted_proxies: Arc::new(TrustedProxies::default()),
//!     meter: Arc::default(),
//!     availability: Arc::default(),
//!     trace: None,
//! };
//! let app = App::new()
//!     .wrap(compress::gzip_json())
//!     .wrap(head::answer_like_get())
//!     .wrap(limits::refuse_long_targets(|_, _| HttpResponse::build(StatusCode::URI_TOO_LONG).finish()))
//!     .wrap(body::close_when_unread())
//!     .wrap(headers::api_headers())
//!     .wrap(observe::observe(observer));
//! # let _ = app;
//! ```
//!
//! [`server::serve`] then serves it, with the limits on connections in one place.

mod answer;
pub mod availability;
pub mod body;
pub mod client_address;
pub mod compress;
pub mod content_security_policy;
pub mod current;
pub mod deadline;
pub mod head;
pub mod headers;
pub mod limits;
pub mod metrics;
pub mod observe;
pub mod public_url;
pub mod readiness;
pub mod request_id;
pub mod seldom;
pub mod server;
