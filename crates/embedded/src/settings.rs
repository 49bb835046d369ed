//! The server's settings.
//!
//! They go on the server's command line, not into a file: nothing needs quoting, and root writes nothing into a folder
//! that belongs to another user. What is not named here can be changed with `ALTER SYSTEM` as usual.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
};

use crate::{Durability, Options};

/// The role that owns everything in the cluster.
pub(crate) const SUPERUSER: &str = "bwp";

/// The server's port. Nothing listens on it: it is part of the socket's file name.
pub(crate) const PORT: u16 = 5432;

/// The server's arguments after `-D <folder>`: the crate's settings, the caller's, and those that nobody may change.
pub(crate) fn arguments(options: &Options, socket_dir: &Path) -> Vec<OsString> {
    let mut settings: Vec<(&str, OsString)> = Vec::new();
    let mut set = |name, value: &str| settings.push((name, value.into()));

    set("max_connections", &options.max_connections.to_string());
    // A transaction that a lost client left open would hold its locks for ever.
    set("idle_in_transaction_session_timeout", "60s");
    if cfg!(target_os = "linux") {
        // Elsewhere older servers refuse to start with it.
        set("client_connection_check_interval", "2s");
    }
    set("timezone", "UTC");

    // The log goes to standard error, in English (this crate looks for one message in it), and never carries values:
    // no statements, no parameters, and no DETAIL lines ("Key (email)=(...) already exists").
    set("lc_messages", "C");
    set("log_timezone", "UTC");
    set("logging_collector", "off");
    set("log_destination", "stderr");
    set("log_line_prefix", "%m [%p] ");
    set("log_statement", "none");
    set("log_min_duration_statement", "-1");
    set("log_min_duration_sample", "-1");
    set("log_min_error_statement", "panic");
    set("log_error_verbosity", "terse");
    set("log_parameter_max_length", "0");
    set("log_parameter_max_length_on_error", "0");

    if options.durability == Durability::None {
        set("fsync", "off");
        set("synchronous_commit", "off");
        set("full_page_writes", "off");
    }

    settings.extend(options.settings.iter().map(|(name, value)| (name.as_str(), value.into())));

    // Last, for the last one counts: the server is reached through its own folder and in no other way.
    settings.push(("listen_addresses", "".into()));
    settings.push(("port", PORT.to_string().into()));
    settings.push(("unix_socket_directories", quoted_list_item(socket_dir.as_os_str())));
    settings.push(("unix_socket_permissions", "0700".into()));

    settings
        .into_iter()
        .flat_map(|(name, value)| {
            let mut setting = OsString::from(name);
            setting.push("=");
            setting.push(value);
            [OsString::from("-c"), setting]
        })
        .collect()
}

/// One item of a setting that is a list: in double quotes, so that blanks, commas and quotes in it stand for themselves.
fn quoted_list_item(item: &OsStr) -> OsString {
    let mut quoted = vec![b'"'];
    for &byte in item.as_bytes() {
        if byte == b'"' {
            quoted.push(b'"');
        }
        quoted.push(byte);
    }
    quoted.push(b'"');
    OsString::from_vec(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_cannot_open_a_network_port() {
        let options = Options {
            settings: vec![("listen_addresses".to_owned(), "*".to_owned()), ("work_mem".to_owned(), "1MB".to_owned())],
            ..Options::default()
        };
        let arguments = arguments(&options, Path::new("/run"));
        let last = |name: &str| {
            arguments.iter().rfind(|argument| argument.to_string_lossy().starts_with(name)).map(OsString::as_os_str)
        };
        assert_eq!(last("listen_addresses="), Some(OsStr::new("listen_addresses=")));
        assert_eq!(last("work_mem="), Some(OsStr::new("work_mem=1MB")));
    }

    #[test]
    fn quotes_in_a_folder_are_doubled() {
        assert_eq!(quoted_list_item(OsStr::new("/a\"b")), OsStr::new("\"/a\"\"b\""));
    }
}
