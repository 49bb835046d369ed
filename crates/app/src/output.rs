//! What commands print: a sentence for people or JSON for programs on standard output, errors on standard error.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use bwp_domain::characters::{is_disruptive, legible};
use serde_json::Value;

/// How to print.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Prints `json`, or what `text` says. A text that was stored goes through [`legible`] before it is put into a line.
    pub(crate) fn print(self, json: &Value, text: impl FnOnce() -> String) -> io::Result<()> {
        self.print_to(&mut io::stdout().lock(), json, text)
    }

    /// Like [`print`](Self::print), to another place than standard output.
    pub(crate) fn print_to(self, out: &mut impl Write, json: &Value, text: impl FnOnce() -> String) -> io::Result<()> {
        let line = if self.json { json.to_string() } else { harmless(text()) };
        writeln!(out, "{}", line.trim_end())?;
        // A program that reads a pipe waits for the line.
        out.flush()
    }
}

/// Prints why a command failed, causes and all.
pub(crate) fn error(error: &anyhow::Error) {
    // Nobody is left to tell when this fails.
    let _ = writeln!(io::stderr().lock(), "bwp: {}", harmless(told(error)));
}

/// An error and its causes, each told once: many errors tell their cause themselves.
fn told(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.is_empty() {
            told = cause;
        } else if !told.contains(cause.trim_end_matches('.')) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

/// The lines of `text`, without what a terminal would obey. That is the last resort: a line feed in a stored text would make
/// a line of its own.
fn harmless(text: String) -> String {
    let obeyed = |character| is_disruptive(character) && character != '\n';
    if !text.contains(obeyed) {
        return text;
    }
    text.split('\n').map(legible).collect::<Vec<Cow<'_, str>>>().join("\n")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn each_cause_is_told_once() {
        let error = anyhow!("no such file").context("cannot read x: no such file").context("--x");
        assert_eq!(told(&error), "--x: cannot read x: no such file");
        assert_eq!(told(&anyhow!("alone")), "alone");
    }

    #[test]
    fn lines_stay_and_what_a_terminal_obeys_does_not() {
        assert_eq!(harmless("one\ntwo …".to_owned()), "one\ntwo …");
        assert_eq!(harmless("one\n\ntw\x1b[2Jo\r".to_owned()), "one\n\ntw\\u{1b}[2Jo\\u{d}");
    }
}
