//! What the log of this process says, by request id.

use std::{
    io,
    sync::{Mutex, Once, PoisonError},
};

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static INSTALL: Once = Once::new();

/// Starts to keep the log. The subscriber is the process's, because workers are threads of their own.
pub(crate) fn keep() {
    INSTALL.call_once(|| {
        let fmt = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG);
        fmt.json().flatten_event(true).with_writer(|| Keep).init();
    });
}

/// The lines so far that contain `text`, a request id say.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8(lines.clone()).unwrap().lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
}

struct Keep;

impl io::Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
