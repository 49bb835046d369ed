//! OAuth 2.1, as apps speak it: registration, tokens, revocation, who the user is, and the documents that lead to them.
//!
//! The consent page is a page, and so among the console's. What is said here is in the words of the RFCs, and not in problem details.

mod answer;
mod challenge;
mod client;
mod discovery;
mod document;
mod form;
mod register;
mod registrations;
mod token;
mod userinfo;

use actix_web::web::{self, Data, ServiceConfig};

pub(crate) use challenge::challenge;
pub(crate) use document::{TAG, describe, security_scheme};
pub use registrations::Registrations;
pub(crate) use userinfo::PATH as USERINFO;

use crate::{routes::BASE_PATH, state::ApiState};

/// Puts the endpoints of apps beside the API, open to pages of every origin.
pub(crate) fn configure(state: &Data<ApiState>) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let meter = state.meter.clone();
    move |config| {
        for (name, post) in [
            ("register", web::post().to(register::register)),
            ("token", web::post().to(token::token)),
            ("revoke", web::post().to(token::revoke)),
        ] {
            let path = format!("{BASE_PATH}/oauth/{name}");
            let route = meter.route("POST", &path);
            let recorded = web::resource(path)
                .wrap_fn(move |request, service| {
                    bwp_web::observe::record_route(request.request(), &route);
                    actix_web::dev::Service::call(service, request)
                })
                .route(post)
                .route(web::route().method(actix_web::http::Method::OPTIONS).to(answer::preflight))
                .default_service(web::to(answer::only_post));
            config.service(recorded);
        }
        userinfo::configure(config);
        discovery::configure(config);
    }
}
