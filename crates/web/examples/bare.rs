//! The least that an actix server can do: it answers every request with the same number of bytes. `scripts/bench`
//! measures it with the same load as the real server, to tell what the framework, the kernel and the load itself cost.
//!
//! Usage: `bare <address> <bytes>`

use std::io::{Error, ErrorKind};

use actix_web::{App, HttpResponse, HttpServer, web};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let usage = || Error::new(ErrorKind::InvalidInput, "usage: bare <address> <bytes>");
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or_else(usage)?;
    let size: usize = arguments.next().and_then(|size| size.parse().ok()).ok_or_else(usage)?;
    let body = web::Bytes::from(vec![b'x'; size]);
    HttpServer::new(move || {
        let body = body.clone();
        // The request's body is read, as the real server does.
        App::new().default_service(web::to(move |_read: web::Bytes| {
            let answer = HttpResponse::Ok().content_type("application/json").body(body.clone());
            std::future::ready(answer)
        }))
    })
    .bind(address)?
    .run()
    .await
}
