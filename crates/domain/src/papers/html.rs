//! Simple HTML (MNY-14) as paragraphs: what is known is kept, what is not is left out, and its text stays.

use super::{Paragraph, ParagraphKind, Span};

/// The most paragraphs of a text: the rest is left out.
const MOST: usize = 5_000;

/// What a text says: simple HTML (`p`, `h1` to `h3`, `b`, `i`, `ul`, `ol`, `li`, `a` to http, https and mailto), or lines as people type
/// them. Scripts and styles are left out.
pub fn paragraphs(text: &str) -> Vec<Paragraph> {
    let mut reader = Reader::default();
    let mut rest = text;
    while !rest.is_empty() && reader.paragraphs.len() < MOST {
        if let Some((tag, behind)) = rest.strip_prefix('<').and_then(tag) {
            rest = reader.tag(&tag, behind);
            continue;
        }
        // A `<` that begins no tag is text.
        let begun = rest.chars().next().map_or(1, char::len_utf8);
        let end = rest[begun..].find('<').map_or(rest.len(), |at| begun + at);
        reader.text(&rest[..end]);
        rest = &rest[end..];
    }
    reader.end_paragraph();
    reader.paragraphs
}

/// A tag: `</p>`, `<a href="…">`.
struct Tag<'a> {
    name: String,
    closes: bool,
    attributes: &'a str,
}

/// The tag whose `<` was read, and what is behind it. `None`: it is text.
fn tag(text: &str) -> Option<(Tag<'_>, &str)> {
    if let Some(comment) = text.strip_prefix("!--") {
        let behind = comment.find("-->").map_or("", |end| &comment[end + 3..]);
        return Some((Tag { name: String::new(), closes: false, attributes: "" }, behind));
    }
    let (closes, named) = text.strip_prefix('/').map_or((false, text), |named| (true, named));
    let length = named.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(named.len());
    if !named.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let (name, attributes) = named.split_at(length);
    let mut quote = None;
    let mut end = None;
    for (at, c) in attributes.char_indices() {
        match (quote, c) {
            (None, '>') => {
                end = Some(at);
                break;
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    let end = end?;
    Some((Tag { name: name.to_ascii_lowercase(), closes, attributes: &attributes[..end] }, &attributes[end + 1..]))
}

#[derive(Default)]
struct Reader {
    paragraphs: Vec<Paragraph>,
    open: Paragraph,
    bold: usize,
    italic: usize,
    links: Vec<Option<String>>,
    /// The lists that are open: the number of the last item, of one that counts.
    lists: Vec<Option<usize>>,
}

impl Reader {
    /// Reads a tag, and gives what is left to read.
    fn tag<'a>(&mut self, tag: &Tag<'_>, behind: &'a str) -> &'a str {
        let step = |count: &mut usize| *count = if tag.closes { count.saturating_sub(1) } else { *count + 1 };
        match tag.name.as_str() {
            "b" | "strong" => step(&mut self.bold),
            "i" | "em" => step(&mut self.italic),
            "a" if tag.closes => drop(self.links.pop()),
            "a" => self.links.push(href(tag.attributes)),
            "br" => self.line_break(),
            "ul" | "ol" => {
                self.end_paragraph();
                if tag.closes {
                    self.lists.pop();
                } else {
                    self.lists.push((tag.name == "ol").then_some(0));
                }
            }
            "li" => {
                self.end_paragraph();
                if !tag.closes {
                    self.open.kind = self.item();
                }
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.end_paragraph();
                if !tag.closes {
                    let level = tag.name.as_bytes().get(1).map_or(3, |digit| (digit - b'0').min(3));
                    self.open.kind = ParagraphKind::Heading(level);
                }
            }
            "p" | "div" | "table" | "tr" | "blockquote" | "section" | "hr" if !self.in_item() || tag.closes => {
                self.end_paragraph();
            }
            "script" | "style" | "template" | "head" | "title" if !tag.closes => {
                return skip(behind, &tag.name);
            }
            _ => {}
        }
        behind
    }

    /// A `<p>` that begins an item's text does not end the item.
    fn in_item(&self) -> bool {
        matches!(self.open.kind, ParagraphKind::Item { .. }) && self.open.spans.is_empty()
    }

    fn item(&mut self) -> ParagraphKind {
        let depth = u8::try_from(self.lists.len().clamp(1, 8)).unwrap_or(1);
        let label = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{number}.")
            }
            _ => "\u{2022}".to_owned(),
        };
        ParagraphKind::Item { label, depth }
    }

    fn text(&mut self, text: &str) {
        let text = unescaped(text);
        // People who type no HTML begin lines by the return key.
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                self.line_break();
            }
            self.words(line.trim_end_matches('\r'));
        }
    }

    fn line_break(&mut self) {
        if !self.in_item() {
            self.end_paragraph();
        }
    }

    fn words(&mut self, text: &str) {
        let mut words = String::with_capacity(text.len());
        for c in text.chars() {
            let blank = c.is_whitespace() && c != '\u{a0}' || c.is_control();
            if !blank {
                words.push(c);
            } else if !words.ends_with(' ') {
                words.push(' ');
            }
        }
        let begins = self.open.spans.last().is_none_or(|span| span.text.ends_with(' '));
        let words = if begins { words.trim_start_matches(' ') } else { &words };
        if words.is_empty() {
            return;
        }
        let link = self.links.last().cloned().flatten();
        let span = Span { text: words.to_owned(), bold: self.bold > 0, italic: self.italic > 0, link };
        match self.open.spans.last_mut() {
            Some(last) if (last.bold, last.italic, &last.link) == (span.bold, span.italic, &span.link) => {
                last.text.push_str(&span.text);
            }
            _ => self.open.spans.push(span),
        }
    }

    fn end_paragraph(&mut self) {
        let mut paragraph = std::mem::take(&mut self.open);
        if let Some(last) = paragraph.spans.last_mut() {
            last.text.truncate(last.text.trim_end_matches(' ').len());
        }
        paragraph.spans.retain(|span| !span.text.is_empty());
        if !paragraph.spans.is_empty() {
            self.paragraphs.push(paragraph);
        }
    }
}

/// What is behind the end of an element whose text nobody is to read.
fn skip<'a>(text: &'a str, name: &str) -> &'a str {
    let lower = text.to_ascii_lowercase();
    let end = lower.find(&format!("</{name}"));
    end.and_then(|at| text[at..].find('>').map(|end| &text[at + end + 1..])).unwrap_or("")
}

/// Where a link leads, if it may lead there.
fn href(attributes: &str) -> Option<String> {
    // Same length: the ASCII letters alone are changed.
    let at = attributes.to_ascii_lowercase().find("href")?;
    let value = attributes[at + 4..].trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = match quote {
        Some(quote) => value[1..].split(quote).next()?,
        None => value.split_whitespace().next()?,
    };
    let url = unescaped(value).trim().to_owned();
    let scheme = url.split_once(':')?.0.to_ascii_lowercase();
    let allowed = matches!(scheme.as_str(), "http" | "https" | "mailto") && !url.chars().any(char::is_control);
    allowed.then_some(url)
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        let entity = &rest[at + 1..];
        let named = entity.find(';').filter(|end| *end <= 8).and_then(|end| Some((character(&entity[..end])?, end)));
        if let Some((c, end)) = named {
            plain.push(c);
            rest = &entity[end + 1..];
        } else {
            plain.push('&');
            rest = entity;
        }
    }
    plain.push_str(rest);
    plain
}

fn character(entity: &str) -> Option<char> {
    let number = |digits: &str, radix| char::from_u32(u32::from_str_radix(digits, radix).ok()?);
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "ndash" => '\u{2013}',
        "mdash" => '\u{2014}',
        "bull" => '\u{2022}',
        "hellip" => '\u{2026}',
        "copy" => '\u{a9}',
        "reg" => '\u{ae}',
        "trade" => '\u{2122}',
        "lsquo" => '\u{2018}',
        "rsquo" => '\u{2019}',
        "ldquo" => '\u{201c}',
        "rdquo" => '\u{201d}',
        "deg" => '\u{b0}',
        "frac12" => '\u{bd}',
        _ => {
            let number = match entity.strip_prefix("#x").or_else(|| entity.strip_prefix("#X")) {
                Some(digits) => number(digits, 16),
                None => entity.strip_prefix('#').and_then(|digits| number(digits, 10)),
            };
            return number.filter(|c| *c != '\0');
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paragraphs as text: `# ` before headings, the label before items, `*` around bold, `/` around italic, `[…](…)` for links.
    fn read(html: &str) -> Vec<String> {
        let span = |span: &Span| {
            let mut text = span.text.clone();
            if let Some(link) = &span.link {
                text = format!("[{text}]({link})");
            }
            if span.bold {
                text = format!("*{text}*");
            }
            if span.italic { format!("/{text}/") } else { text }
        };
        let paragraph = |paragraph: &Paragraph| {
            let text: String = paragraph.spans.iter().map(span).collect();
            match &paragraph.kind {
                ParagraphKind::Plain => text,
                ParagraphKind::Heading(level) => format!("{} {text}", "#".repeat((*level).into())),
                ParagraphKind::Item { label, depth } => format!("{}{label} {text}", " ".repeat((*depth).into())),
            }
        };
        paragraphs(html).iter().map(paragraph).collect()
    }

    #[test]
    fn simple_html_becomes_paragraphs() {
        let html = "<h2>Terms</h2><p>Half <b>now</b>, the <i>rest</i> <b><i>later</i></b>.</p>\
                    <ul><li>one<li><p>two</p><ol><li>two a</li><li>two b</li></ol></li></ul>\
                    <p>See <a href=\"https://example.com/?a=1&amp;b=2\">our page</a>.</p>";
        let read = read(html);
        let expected = [
            "## Terms",
            "Half *now*, the /rest/ /*later*/.",
            " \u{2022} one",
            " \u{2022} two",
            "  1. two a",
            "  2. two b",
            "See [our page](https://example.com/?a=1&b=2).",
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn lines_that_people_type_are_paragraphs() {
        assert_eq!(read("Net 30.\r\n\r\nThank you &amp; a < b > c, R&D\n"), ["Net 30.", "Thank you & a < b > c, R&D"]);
        assert_eq!(read(" \n "), Vec::<String>::new());
    }

    #[test]
    fn nothing_runs_and_no_link_leads_elsewhere() {
        assert_eq!(read("a<script>alert('<p>x</p>')</script>b<STYLE>p{}</STYLE >c"), ["abc"]);
        assert_eq!(read("<a href='javascript:alert(1)'>x</a><a href=data:text/html,y>y</a>"), ["xy"]);
        assert_eq!(read("<a title='>' href = \"mailto:a@example.com\">mail</a>"), ["[mail](mailto:a@example.com)"]);
        assert_eq!(read("a<!-- <p>hidden -->b"), ["ab"]);
    }

    #[test]
    fn what_is_broken_is_text() {
        for text in ["<", "a <b", "<p", "&", "&#xZZ;", "&#0;", "é<", "<é>", "</", "<!--", "<script>"] {
            let _ = paragraphs(text);
        }
        assert_eq!(read("1 < 2 and <"), ["1 < 2 and <"]);
        assert_eq!(read("<é>"), ["<é>"]);
    }
}
