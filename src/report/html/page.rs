//! Writes HTML. Text is escaped; only what this program itself draws is not.

/// A page that is being written.
pub struct Page {
    out: String,
}

/// No script, no image, no font, no link to elsewhere is loaded, whatever the page says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

impl Page {
    /// An empty page with this title.
    pub fn new(title: &str) -> Page {
        let mut page =
            Page { out: String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n") };
        page.raw(&format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n"));
        page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        page.raw("<meta name=\"color-scheme\" content=\"light dark\">\n");
        page.element("title", title);
        page.raw("<style>\n");
        page.raw(include_str!("style.css"));
        page.raw("</style>\n</head>\n<body>\n<main>\n");
        page
    }
    /// The whole page.
    pub fn finish(mut self) -> String {
        self.raw("<footer>");
        self.text(&format!("Made by {} {}.", crate::report::PROGRAM, crate::report::VERSION));
        self.raw("</footer>\n</main>\n</body>\n</html>\n");
        self.out
    }
    /// Unescaped: never text that comes from outside.
    pub fn raw(&mut self, html: &str) {
        self.out.push_str(html);
    }
    /// Escaped.
    pub fn text(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                other => self.out.push(other),
            }
        }
    }
    /// Begins an element; `tag` may have attributes.
    pub fn open(&mut self, tag: &str) {
        self.raw(&format!("<{tag}>"));
    }
    /// Ends an element.
    pub fn close(&mut self, tag: &str) {
        self.raw(&format!("</{tag}>\n"));
    }
    /// An element with a text in it.
    pub fn element(&mut self, tag: &str, text: &str) {
        self.open(tag);
        self.text(text);
        self.close(tag);
    }
    /// A link to a file beside the page.
    pub fn link(&mut self, to: &str, text: &str) {
        self.raw("<a href=\"");
        self.text(to);
        self.raw("\">");
        self.text(text);
        self.raw("</a>");
    }
    /// A table; columns say whether they hold numbers.
    pub fn table(&mut self, columns: &[(&str, bool)], rows: impl FnOnce(&mut Page)) {
        self.raw("<div class=\"scroll\"><table><thead><tr>");
        for (heading, number) in columns {
            self.raw(if *number { "<th class=\"number\">" } else { "<th>" });
            self.text(heading);
            self.raw("</th>");
        }
        self.raw("</tr></thead><tbody>\n");
        rows(self);
        self.raw("</tbody></table></div>\n");
    }
    /// A row of cells, each with whether it is a number.
    pub fn row(&mut self, cells: &[(&str, bool)]) {
        self.open("tr");
        cells.iter().for_each(|(text, number)| self.cell(text, *number));
        self.close("tr");
    }
    /// A cell of a table.
    pub fn cell(&mut self, text: &str, number: bool) {
        self.raw(if number { "<td class=\"number\">" } else { "<td>" });
        self.text(text);
        self.raw("</td>");
    }
    /// A long text that the user can unfold.
    pub fn details(&mut self, title: &str, text: &str) {
        self.open("details");
        self.element("summary", title);
        self.element("pre", text);
        self.close("details");
    }
    /// A chart, with its title for users who cannot see it.
    pub fn chart(&mut self, alternative: &str, svg: &str) {
        self.raw("<figure role=\"img\" aria-label=\"");
        self.text(alternative);
        self.raw("\">\n");
        self.raw(svg);
        self.close("figure");
    }
}
