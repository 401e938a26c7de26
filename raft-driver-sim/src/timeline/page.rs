//! The page: one file with everything in it, which asks no network for anything.

use super::Timeline;

const PAGE: &str = include_str!("../view/page.html");
const STYLE: &str = include_str!("../view/style.css");
/// In the order in which the browser reads them.
const SCRIPTS: [&str; 6] = [
    include_str!("../view/model.js"),
    include_str!("../view/lanes.js"),
    include_str!("../view/draw.js"),
    include_str!("../view/panel.js"),
    include_str!("../view/controls.js"),
    include_str!("../view/main.js"),
];
const START: &str = include_str!("../view/start.js");

impl Timeline {
    /// A page to walk through the run with.
    pub fn page(&self) -> String {
        let title = self.header.title.as_deref().unwrap_or("A run of Raft");
        PAGE.replace("{{title}}", &escaped(title))
            .replace("{{style}}", STYLE)
            .replace("{{scripts}}", &(SCRIPTS.concat() + START))
            .replace("{{timeline}}", &self.json())
    }

    /// What the page's script reads. It can stand in HTML: no `<` is in it.
    pub fn json(&self) -> String {
        // A timeline holds nothing that JSON cannot.
        serde_json::to_string(self)
            .unwrap_or_default()
            .replace('<', "\\u003c")
    }
}

/// Text as HTML and SVG write it.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
