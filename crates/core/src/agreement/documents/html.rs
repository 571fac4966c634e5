//! Writes a document as one page of HTML: no script, no picture, nothing from elsewhere, made to be printed on A4.

use super::{Block, Document};

const STYLE: &str = include_str!("style.css");

pub(super) fn write(document: &Document) -> String {
    let title = escape(&document.title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
    document.blocks.iter().for_each(|block| write_block(&mut out, block));
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// The blocks alone, for a page that has a head and a title of its own.
pub(super) fn fragment(document: &Document) -> String {
    let mut out = String::new();
    document.blocks.iter().for_each(|block| write_block(&mut out, block));
    out
}

fn write_block(out: &mut String, block: &Block) {
    match block {
        Block::Heading(text) => out.push_str(&format!("<h2>{}</h2>\n", escape(text))),
        Block::Small(text) => out.push_str(&format!("<h3>{}</h3>\n", escape(text))),
        Block::Para(text) => out.push_str(&format!("<p>{}</p>\n", escape(text))),
        Block::Bullets(texts) => {
            out.push_str("<ul>\n");
            texts.iter().for_each(|text| out.push_str(&format!("<li>{}</li>\n", escape(text))));
            out.push_str("</ul>\n");
        }
        Block::Facts(facts) => {
            out.push_str("<table class=\"facts\">\n");
            for (name, text) in facts {
                let (name, text) = (escape(name), escape(text));
                out.push_str(&format!("<tr><th scope=\"row\">{name}</th><td>{text}</td></tr>\n"));
            }
            out.push_str("</table>\n");
        }
        Block::Table(heads, rows) => {
            let cells = |cells: &[String], open: &str, close: &str| -> String {
                cells.iter().map(|cell| format!("<{open}>{}</{close}>", escape(cell))).collect()
            };
            let head = cells(heads, "th scope=\"col\"", "th");
            out.push_str(&format!("<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n"));
            rows.iter().for_each(|row| out.push_str(&format!("<tr>{}</tr>\n", cells(row, "td", "td"))));
            out.push_str("</tbody>\n</table>\n");
        }
        Block::Confirm(text) => {
            let text = escape(text);
            out.push_str(&format!(
                "<p class=\"confirm\"><strong>For the DPO to confirm</strong> {text}</p>\n"
            ));
        }
        Block::NewPage => out.push_str("<hr class=\"new-page\">\n"),
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
