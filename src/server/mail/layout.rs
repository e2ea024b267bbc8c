//! How a mail is laid out: paragraphs, a button, a code, as plain text and as HTML from the same parts. Everything is
//! escaped; there are no images and no tracking, and nothing is fetched when it is read.
//!
//! To add a kind of part: a variant of [`Part`], a function that adds it, and its arm in [`Letter::text`] and
//! [`Letter::html`].

use html_escape::{encode_double_quoted_attribute, encode_text};

/// The content of a mail, part by part.
#[derive(Debug, Default)]
pub struct Letter {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Paragraph(String),
    Button { label: &'static str, href: String },
    Code(String),
}

/// Mail programs ignore style sheets, so what there is of looks stands in the elements.
const BODY: &str = "margin:0;padding:24px;font-family:sans-serif;font-size:16px;line-height:1.5";
const BUTTON: &str =
    "display:inline-block;padding:10px 20px;border-radius:6px;background:#1d4ed8;color:#ffffff;text-decoration:none";
const CODE: &str = "font-family:monospace;font-size:20px;letter-spacing:2px";

impl Letter {
    /// Begins with a greeting that names nobody: names are other people's text.
    #[must_use]
    pub fn hello() -> Self {
        Self::default().say("Hello,")
    }

    /// Adds a paragraph.
    #[must_use]
    pub fn say(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Paragraph(text.into()));
        self
    }

    /// Adds the one link that the mail is about, as a button and as an address to copy.
    #[must_use]
    pub fn button(mut self, label: &'static str, href: impl Into<String>) -> Self {
        self.parts.push(Part::Button { label, href: href.into() });
        self
    }

    /// Adds a code that is to be typed somewhere.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.parts.push(Part::Code(code.into()));
        self
    }

    /// The plain text: one blank line between parts, links and codes on lines of their own.
    #[must_use]
    pub fn text(&self) -> String {
        let parts: Vec<&str> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Paragraph(text) | Part::Code(text) => text.as_str(),
                Part::Button { href, .. } => href.as_str(),
            })
            .collect();
        parts.join("\n\n") + "\n"
    }

    /// The same as HTML.
    #[must_use]
    pub fn html(&self, title: &str) -> String {
        let mut body = String::new();
        for part in &self.parts {
            let written = match part {
                Part::Paragraph(text) => format!("<p>{}</p>\n", encode_text(text)),
                Part::Code(code) => format!("<p style=\"{CODE}\"><strong>{}</strong></p>\n", encode_text(code)),
                Part::Button { label, href } => format!(
                    "<p><a href=\"{}\" style=\"{BUTTON}\">{}</a></p>\n<p>Or copy this address:<br>{}</p>\n",
                    encode_double_quoted_attribute(href),
                    encode_text(label),
                    encode_text(href),
                ),
            };
            body.push_str(&written);
        }
        let title = encode_text(title);
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n</head>\n\
             <body style=\"{BODY}\">\n{body}</body>\n</html>\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same_and_nothing_is_markup() {
        let letter = Letter::hello()
            .say("you are invited to join «A & <b>Sons</b>».")
            .button("Join", "https://calls.example.com/open/join/x?a=1&b=\"2\"")
            .code("ABCD-2345");
        assert_eq!(
            letter.text(),
            "Hello,\n\nyou are invited to join «A & <b>Sons</b>».\n\n\
             https://calls.example.com/open/join/x?a=1&b=\"2\"\n\nABCD-2345\n"
        );
        let html = letter.html("You & <i>we</i>");
        assert!(html.contains("<title>You &amp; &lt;i&gt;we&lt;/i&gt;</title>"), "{html}");
        assert!(html.contains("<p>you are invited to join «A &amp; &lt;b&gt;Sons&lt;/b&gt;».</p>"), "{html}");
        assert!(html.contains("<a href=\"https://calls.example.com/open/join/x?a=1&amp;b=&quot;2&quot;\""), "{html}");
        assert!(html.contains("<strong>ABCD-2345</strong>"), "{html}");
        for fetched in ["<img", "<link", "<script", "src=", "url("] {
            assert!(!html.contains(fetched), "{fetched}: {html}");
        }
    }
}
