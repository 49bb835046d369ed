//! A mail server, as far as the tests need one (RFC 5321): it keeps what it takes.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A mail that the server has taken.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) recipients: Vec<String>,
    pub(crate) headers: BTreeMap<String, String>,
    /// The whole mail, its lines joined where they were broken for the way.
    pub(crate) text: String,
}

#[derive(Default)]
struct Shelf {
    taken: Mutex<Vec<Taken>>,
    /// Mails that are taken without the client hearing of it.
    silent: AtomicUsize,
}

/// A running mail server.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    shelf: Arc<Shelf>,
    running: Option<JoinHandle<()>>,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        let mut server = Self { port: 0, shelf: Arc::default(), running: None };
        server.up().await;
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Nobody listens any more.
    pub(crate) async fn down(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
        }
    }

    /// Listens, on the same port as before.
    pub(crate) async fn up(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("a port");
        self.port = listener.local_addr().expect("an address").port();
        let taken = Arc::clone(&self.shelf);
        self.running = Some(tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, Arc::clone(&taken)));
            }
        }));
    }

    /// The next mail is taken, and the connection ends before that is said.
    pub(crate) fn fall_silent(&self) {
        self.shelf.silent.store(1, Ordering::SeqCst);
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.shelf.taken.lock().expect("no test has failed").clone()
    }

    /// The mails to somebody.
    pub(crate) fn taken_for(&self, recipient: &str) -> Vec<Taken> {
        self.taken().into_iter().filter(|mail| mail.recipients.iter().any(|one| one == recipient)).collect()
    }
}

async fn serve(client: TcpStream, shelf: Arc<Shelf>) -> Option<()> {
    let (read, mut write) = client.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 test\r\n").await.ok()?;
    let mut recipients = Vec::new();
    while let Some(line) = lines.next_line().await.ok()? {
        let command = line.to_ascii_uppercase();
        let answer = if command.starts_with("EHLO") {
            "250-test\r\n250 8BITMIME\r\n"
        } else if command.starts_with("RCPT") {
            let address = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            if address.starts_with("refused@") {
                "550 no such mailbox\r\n"
            } else {
                recipients.push(address);
                "250 ok\r\n"
            }
        } else if command.starts_with("DATA") {
            write.write_all(b"354 go on\r\n").await.ok()?;
            let mut mail = Vec::new();
            loop {
                let line = lines.next_line().await.ok()??;
                if line == "." {
                    break;
                }
                mail.push(line.strip_prefix('.').unwrap_or(&line).to_owned());
            }
            shelf.taken.lock().ok()?.push(parse(std::mem::take(&mut recipients), &mail));
            if shelf.silent.swap(0, Ordering::SeqCst) > 0 {
                return None;
            }
            "250 taken\r\n"
        } else if command.starts_with("QUIT") {
            write.write_all(b"221 bye\r\n").await.ok()?;
            return Some(());
        } else {
            if command.starts_with("RSET") || command.starts_with("MAIL") {
                recipients.clear();
            }
            "250 ok\r\n"
        };
        write.write_all(answer.as_bytes()).await.ok()?;
    }
    Some(())
}

fn parse(recipients: Vec<String>, lines: &[String]) -> Taken {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    for line in lines.iter().take_while(|line| !line.is_empty()) {
        if let Some(more) = line.strip_prefix([' ', '\t']) {
            let header = headers.entry(last.clone()).or_default();
            header.push(' ');
            header.push_str(more);
        } else if let Some((name, value)) = line.split_once(": ") {
            last = name.to_ascii_lowercase();
            headers.insert(last.clone(), value.to_owned());
        }
    }
    // Quoted-printable (RFC 2045, section 6.7), as far as it hides what tests look for.
    let text = lines.join("\n").replace("=\n", "").replace("=3D", "=");
    Taken { recipients, headers, text }
}
