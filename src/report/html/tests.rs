use super::LARGE;
use crate::observe::metrics::definitions;
use crate::report::RunReport;
use crate::report::comparison::COLUMNS;
use crate::report::tests::{outcome, write_page};
use std::sync::OnceLock;

/// A page with everything in it.
fn page() -> &'static (RunReport, String) {
    static PAGE: OnceLock<(RunReport, String)> = OnceLock::new();
    PAGE.get_or_init(|| write_page(outcome(), u64::MAX, true))
}

#[test]
fn text_from_outside_is_shown_as_text() {
    let (_, page) = page();
    assert!(page.contains("Is &lt;b&gt;bold&lt;/b&gt; text &amp; &quot;quotes&quot; shown as text?"));
    for hostile in ["<b>bold", "nonce <already>", "expected <one>", "n1 <&>"] {
        assert!(!page.contains(hostile), "{hostile}");
    }
    for escaped in ["nonce &lt;already&gt; used", "expected &lt;one&gt; block", "crash of n1 &lt;&amp;&gt;"] {
        assert!(page.contains(escaped), "{escaped}");
    }
}

#[test]
fn a_page_needs_no_other_file_and_runs_no_script() {
    let (_, page) = page();
    assert!(
        page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\"")
    );
    for forbidden in ["<script", "<img", "<link", "src=", "@import", "url(", "javascript:", "onload"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let addresses = page.matches("http").count() - page.matches("http://www.w3.org/2000/svg").count();
    assert_eq!(addresses, page.matches("http-equiv").count(), "nothing is fetched from elsewhere");
    assert_eq!(page.matches("<svg").count(), 6);
}

#[test]
fn a_page_has_all_required_parts() {
    let (written, page) = page();
    let fingerprint = written.manifest.fingerprint.to_string();
    for wanted in [
        "Everything that was checked held",
        "median time from submission to finality at the entry node, over transactions submitted within the measured window",
        "Throughput over time",
        "4.000 s",
        "ledgerlab verify",
        "The scenario with every default",
        "a remark",
        "SHA-256",
        fingerprint.as_str(),
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
}

#[test]
fn every_element_that_is_opened_is_closed() {
    let (_, page) = page();
    for tag in ["main", "table", "tr", "td", "figure", "svg", "details", "dl", "dd", "dt", "p", "div", "span", "h2"] {
        let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn the_metrics_on_cards_and_in_comparisons_are_defined() {
    let names = LARGE.into_iter().chain(COLUMNS.into_iter().map(|(name, _)| name));
    for name in names {
        assert!(definitions().any(|def| def.name == name), "{name}");
    }
}
