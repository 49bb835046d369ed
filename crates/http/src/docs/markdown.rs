//! From markdown to HTML.

use std::collections::HashSet;

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::page::escape;

/// A rendered text.
#[derive(Debug)]
pub(super) struct Rendered {
    /// The first heading, in plain text.
    pub(super) title: String,
    /// The second-level headings: their ids and their plain text.
    pub(super) sections: Vec<(String, String)>,
    /// All of it.
    pub(super) html: String,
}

/// Renders `text`. `link` makes the address of a link from what the text says.
///
/// Every heading has an id, the one that it states (`{#like-this}`) or one made of its words, and below the first level a
/// link to itself. What scrolls sideways on
/// a small screen (code, tables) can be reached and scrolled with the keyboard.
pub(super) fn render(text: &str, link: impl Fn(&str) -> String) -> Rendered {
    let options = Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES;
    let events: Vec<Event<'_>> = Parser::new_ext(text, options).collect();
    let mut rendered = Rendered { title: String::new(), sections: Vec::new(), html: String::new() };
    let mut taken = HashSet::new();
    let mut tables = 0;
    let mut output = Vec::with_capacity(events.len());
    let mut rest = events.as_slice();
    let mut anchor = String::new();
    while let [event, following @ ..] = rest {
        rest = following;
        match event.clone() {
            Event::Start(Tag::Heading { level, id, classes, attrs }) => {
                let words = plain(following);
                let id = unique(&id.map_or_else(|| slug(&words), CowStr::into_string), &mut taken);
                anchor =
                    format!(" <a class=\"anchor\" href=\"#{}\" aria-label=\"Link to this section\">#</a>", escape(&id));
                match level {
                    HeadingLevel::H1 => rendered.title = words,
                    HeadingLevel::H2 => rendered.sections.push((id.clone(), words)),
                    _ => {}
                }
                output.push(Event::Start(Tag::Heading { level, id: Some(id.into()), classes, attrs }));
            }
            Event::End(TagEnd::Heading(level)) => {
                if level != HeadingLevel::H1 {
                    output.push(Event::InlineHtml(std::mem::take(&mut anchor).into()));
                }
                output.push(Event::End(TagEnd::Heading(level)));
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                output.push(Event::Start(Tag::Link { link_type, dest_url: link(&dest_url).into(), title, id }));
            }
            Event::Start(Tag::CodeBlock(_)) => output.push(Event::Html("<pre tabindex=\"0\"><code>".into())),
            Event::End(TagEnd::CodeBlock) => output.push(Event::Html("</code></pre>\n".into())),
            Event::Start(Tag::Table(alignments)) => {
                tables += 1;
                let open =
                    format!("<div class=\"wide\" role=\"region\" aria-label=\"Table {tables}\" tabindex=\"0\">\n");
                output.extend([Event::Html(open.into()), Event::Start(Tag::Table(alignments))]);
            }
            Event::End(TagEnd::Table) => {
                output.extend([Event::End(TagEnd::Table), Event::Html("</div>\n".into())]);
            }
            other => output.push(other),
        }
    }
    html::push_html(&mut rendered.html, output.into_iter());
    rendered
}

/// The text of a heading that has just begun.
fn plain(events: &[Event<'_>]) -> String {
    let inside = events.iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    inside
        .filter_map(|event| match event {
            Event::Text(text) | Event::Code(text) => Some(&**text),
            _ => None,
        })
        .collect()
}

/// `Which errors to try again` as `which-errors-to-try-again`.
fn slug(words: &str) -> String {
    let kept = words.chars().filter_map(|c| match c {
        ' ' | '-' => Some('-'),
        c if c.is_alphanumeric() || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    });
    kept.collect()
}

fn unique(id: &str, taken: &mut HashSet<String>) -> String {
    let mut unique = id.to_owned();
    let mut n = 1;
    while !taken.insert(unique.clone()) {
        n += 1;
        unique = format!("{id}-{n}");
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        render(text, str::to_owned).html
    }

    #[test]
    fn headings_have_ids_of_their_own() {
        let rendered = render("# A `b`, c?\n## Same\n### Same\n## Told {#so_it_is}", str::to_owned);
        assert_eq!(rendered.title, "A b, c?");
        assert_eq!(
            rendered.sections,
            [("same", "Same"), ("so_it_is", "Told")].map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
        for id in ["a-b-c", "same", "same-2", "so_it_is"] {
            assert!(rendered.html.contains(&format!("id=\"{id}\"")), "{}", rendered.html);
        }
    }

    #[test]
    fn what_is_written_is_escaped() {
        assert!(html("a < b & \"c\"").contains("a &lt; b &amp; "));
        assert!(html("```sh\n<script>\n```").contains("<pre tabindex=\"0\"><code>&lt;script&gt;\n</code></pre>"));
    }

    #[test]
    fn links_are_rewritten() {
        let rendered = render("[x](errors.md#a)", |link| link.replace(".md", ""));
        assert!(rendered.html.contains("href=\"errors#a\""), "{}", rendered.html);
    }
}
