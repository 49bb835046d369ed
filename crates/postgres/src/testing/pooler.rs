//! A pooler in transaction mode.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
};

use tokio_postgres::{Config, config::Host};

/// What PgBouncer does in transaction mode with prepared statements, as far as it matters to who is behind it, and as
/// unkindly as it can: each transaction gets the session that was used longest ago. Statements of the same text are one
/// prepared statement in a session, whoever prepared it, and stay there. Settings at the start are refused or passed over.
pub struct TestPooler {
    url: String,
}

/// What a pooler does with settings that a client sends at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Options {
    /// It ends the connection with an error.
    Refused,
    /// It takes no notice of them.
    Ignored,
}

struct Pool {
    config: Config,
    idle: Mutex<VecDeque<Session>>,
    returned: Condvar,
    options: Options,
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A session of the server.
struct Session {
    stream: BufReader<Box<dyn Stream>>,
    prepared: HashSet<String>,
}

/// What is awaited for a message that was sent, or not sent since the session knows the statement.
enum Answer {
    /// So many messages of the server. Those for a statement of this name: it is prepared then.
    Messages(usize, Option<String>),
    /// That of a message which the client did not send.
    Unasked(String),
    /// One that the server is not asked for.
    Ours(u8),
    /// The rows of a statement, and its end.
    Rows,
}

impl TestPooler {
    /// A pooler with so many sessions of the database at `url`, which lets everybody in. It works until the process ends.
    ///
    /// # Panics
    /// If it cannot be started.
    #[expect(clippy::expect_used, reason = "a test without its pooler has failed")]
    pub fn start(url: &str, sessions: usize, options: Options) -> Self {
        let config: Config = url.parse().expect("the test database's URL");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let url = format!(
            "postgresql://{}@{address}/{}",
            config.get_user().unwrap_or_default(),
            config.get_dbname().unwrap_or_default()
        );
        let idle = (0..sessions).map(|_| Session::begin(&config).expect("a session")).collect();
        let pool = Arc::new(Pool { config, idle: Mutex::new(idle), returned: Condvar::new(), options });
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let pool = Arc::clone(&pool);
                // A client that is gone is no news.
                thread::spawn(move || serve(&pool, client));
            }
        });
        Self { url }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Pool {
    fn take(&self) -> Session {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match idle.pop_front() {
                Some(session) => return session,
                None => idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn give_back(&self, session: Session) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push_back(session);
        self.returned.notify_one();
    }

    /// A session that nobody can use any more is closed, and a new one takes its place.
    fn replace(&self, session: Session) -> io::Result<()> {
        drop(session);
        self.give_back(Session::begin(&self.config)?);
        Ok(())
    }
}

impl Session {
    fn begin(config: &Config) -> io::Result<Self> {
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let stream: Box<dyn Stream> = match config.get_hosts().first() {
            Some(Host::Unix(folder)) => Box::new(UnixStream::connect(folder.join(format!(".s.PGSQL.{port}")))?),
            Some(Host::Tcp(host)) => Box::new(TcpStream::connect((host.as_str(), port))?),
            None => return Err(io::Error::other("no host")),
        };
        let mut session = Self { stream: BufReader::new(stream), prepared: HashSet::new() };
        let mut body = 196_608_u32.to_be_bytes().to_vec();
        for word in ["user", config.get_user().unwrap_or_default(), "database", config.get_dbname().unwrap_or_default()]
        {
            push_text(&mut body, word);
        }
        body.push(0);
        session.stream.get_mut().write_all(&message(None, &body))?;
        loop {
            match read(&mut session.stream)? {
                (b'Z', _) => return Ok(session),
                (b'E', body) => return Err(io::Error::other(String::from_utf8_lossy(&body).into_owned())),
                _ => {}
            }
        }
    }
}

fn serve(pool: &Pool, client: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut writer = client.try_clone()?;
    let mut reader = BufReader::new(client);
    if !greet(pool.options, &mut reader, &mut writer)? {
        return Ok(());
    }
    let mut statements = HashMap::new();
    let mut held: Option<Session> = None;
    loop {
        let Ok(batch) = read_batch(&mut reader) else {
            // In the middle of a transaction.
            return held.map_or(Ok(()), |session| pool.replace(session));
        };
        let mut session = held.take().unwrap_or_else(|| pool.take());
        let answered = run(&mut session, &mut statements, batch);
        let Ok((answers, in_transaction)) = answered else { return pool.replace(session) };
        if in_transaction {
            held = Some(session);
        } else {
            pool.give_back(session);
        }
        if writer.write_all(&answers).is_err() {
            return held.map_or(Ok(()), |session| pool.replace(session));
        }
    }
}

/// What a client sends first that would rather speak TLS.
const TLS_WISHED: [u8; 4] = 80_877_103_u32.to_be_bytes();

/// Lets a client in.
fn greet(options: Options, reader: &mut impl Read, writer: &mut impl Write) -> io::Result<bool> {
    let mut body = read_body(reader)?;
    if body == TLS_WISHED {
        writer.write_all(b"N")?;
        body = read_body(reader)?;
    }
    let has_options = body.windows(9).any(|window| window == b"\0options\0");
    if has_options && options == Options::Refused {
        let error = b"SFATAL\0C08P01\0Munsupported startup parameter in options: bwp.session\0\0";
        writer.write_all(&message(Some(b'E'), error))?;
        return Ok(false);
    }
    let mut greeting = message(Some(b'R'), &[0; 4]);
    greeting.extend(message(Some(b'K'), &[0; 8]));
    greeting.extend(message(Some(b'Z'), b"I"));
    writer.write_all(&greeting)?;
    Ok(true)
}

type Message = (u8, Vec<u8>);

/// What a client sends until it wants an answer.
fn read_batch(reader: &mut impl Read) -> io::Result<Vec<Message>> {
    let mut batch = Vec::new();
    loop {
        let message = read(reader)?;
        let kind = message.0;
        batch.push(message);
        match kind {
            b'S' | b'Q' => return Ok(batch),
            b'X' => return Err(io::ErrorKind::ConnectionAborted.into()),
            _ => {}
        }
    }
}

/// Sends a batch and collects the answers. Also tells whether a transaction is open after it.
fn run(
    session: &mut Session,
    statements: &mut HashMap<String, Vec<u8>>,
    batch: Vec<Message>,
) -> io::Result<(Vec<u8>, bool)> {
    let (mut out, mut awaited, mut sent) = (Vec::new(), Vec::new(), session.prepared.clone());
    for (kind, body) in batch {
        // A statement's name comes first, or after another name or a letter.
        let (before, named) = match kind {
            b'P' => (0, true),
            b'B' => (body.iter().position(|byte| *byte == 0).unwrap_or_default() + 1, true),
            b'D' | b'C' => (1, body.first() == Some(&b'S')),
            _ => (0, false),
        };
        let end = before + body[before..].iter().position(|byte| *byte == 0).unwrap_or_default();
        let name = String::from_utf8_lossy(&body[before..end]).into_owned();
        if !named || name.is_empty() {
            out.extend(message(Some(kind), &body));
            match kind {
                b'E' => awaited.push(Answer::Rows),
                b'D' => awaited.push(Answer::Messages(1 + usize::from(named), None)),
                b'P' | b'B' | b'C' => awaited.push(Answer::Messages(1, None)),
                _ => {}
            }
            continue;
        }
        if kind == b'P' {
            statements.insert(name.clone(), body[end + 1..].to_vec());
        }
        if kind == b'C' {
            statements.remove(&name);
            awaited.push(Answer::Ours(b'3'));
            continue;
        }
        let text = statements.get(&name).cloned().unwrap_or_default();
        let shared = shared_name(&text);
        if sent.insert(shared.clone()) {
            let mut parse = Vec::new();
            push_text(&mut parse, &shared);
            parse.extend(&text);
            out.extend(message(Some(b'P'), &parse));
            let asked = kind == b'P';
            awaited.push(if asked {
                Answer::Messages(1, Some(shared.clone()))
            } else {
                Answer::Unasked(shared.clone())
            });
        } else if kind == b'P' {
            awaited.push(Answer::Ours(b'1'));
        }
        if kind != b'P' {
            let renamed = [&body[..before], shared.as_bytes(), &body[end..]].concat();
            out.extend(message(Some(kind), &renamed));
            awaited.push(Answer::Messages(1 + usize::from(kind == b'D'), None));
        }
    }
    session.stream.get_mut().write_all(&out)?;
    collect(session, awaited)
}

fn collect(session: &mut Session, awaited: Vec<Answer>) -> io::Result<(Vec<u8>, bool)> {
    let mut answers = Vec::new();
    let mut awaited = VecDeque::from(awaited);
    let mut left = 0;
    loop {
        while let Some(Answer::Ours(kind)) = awaited.front() {
            if left > 0 {
                break;
            }
            answers.extend(message(Some(*kind), &[]));
            awaited.pop_front();
        }
        let (kind, body) = read(&mut session.stream)?;
        let unasked = matches!(awaited.front(), Some(Answer::Unasked(_))) && kind == b'1';
        if !unasked {
            answers.extend(message(Some(kind), &body));
        }
        match kind {
            b'Z' => return Ok((answers, body != b"I")),
            // The rest is passed over by the server.
            b'E' => awaited.clear(),
            b'N' | b'S' | b'A' => {}
            _ => {
                left = match awaited.front() {
                    Some(Answer::Messages(count, _)) => {
                        if left == 0 {
                            count - 1
                        } else {
                            left - 1
                        }
                    }
                    Some(Answer::Rows) => usize::from(!matches!(kind, b'C' | b'I' | b's')),
                    _ => 0,
                };
                if left == 0
                    && let Some(Answer::Messages(_, Some(name)) | Answer::Unasked(name)) = awaited.pop_front()
                {
                    session.prepared.insert(name);
                }
            }
        }
    }
}

/// One name for all statements with this text and these types.
fn shared_name(text: &[u8]) -> String {
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    format!("shared_{:016x}", hash.finish())
}

fn read(stream: &mut impl Read) -> io::Result<Message> {
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    Ok((kind[0], read_body(stream)?))
}

fn read_body(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_be_bytes(length).saturating_sub(4) as usize];
    stream.read_exact(&mut body)?;
    Ok(body)
}

fn message(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    kind.into_iter().chain(length.to_be_bytes()).chain(body.iter().copied()).collect()
}

fn push_text(to: &mut Vec<u8>, text: &str) {
    to.extend(text.as_bytes());
    to.push(0);
}
