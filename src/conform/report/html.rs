//! The account as one page that needs nothing else: counts, every case, and of each that is red every request and answer, what
//! was expected, why, how it is usually mended, and the command that repeats it. In English and Japanese.

use serde_json::Value;

use crate::conform::case::{Case, Strength};
use crate::conform::expected::{Expected, Standing};
use crate::conform::outcome::{Account, Exchange, Outcome, Report};
use crate::fhir::markup::escaped;

/// Longest body that is shown, in characters.
const BODY_CHARS_MAX: usize = 20_000;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}\
table{border-collapse:collapse}td,th{padding:.15em .8em;text-align:left;border-bottom:1px solid #ddd;vertical-align:top}\
pre{background:#f6f6f6;padding:.6em;overflow:auto;white-space:pre-wrap;word-break:break-word}\
.failed,.blocked{color:#b00020;font-weight:600}.passed{color:#1b6e2c}.skipped,.omitted{color:#666}.miss{border-left:4px solid #b00020;padding-left:.8em}\
code{background:#f6f6f6}section{border-top:2px solid #222;margin-top:2em}\
summary{cursor:pointer;margin:.4em 0}summary.wrong{font-weight:600}q{font-style:italic}";

/// What an outcome is called beside its word.
const fn japanese(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "合格",
        Outcome::Failed => "不合格",
        Outcome::Blocked => "試験不能",
        Outcome::Skipped => "未実施",
        Outcome::Omitted => "対象外",
    }
}

/// The page.
pub fn page(account: &Account, expected: &Expected, today: &str) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>tasuki conform: {0}</title><style>{STYLE}</style></head><body>\n\
         <h1>tasuki conform</h1>\n<p>Target 対象: <code>{0}</code>, {1}</p>\n",
        escaped(&account.target),
        escaped(&account.begun)
    );
    counts(account, &mut html);
    let red = |report: &&Report| matches!(report.outcome, Outcome::Failed | Outcome::Blocked);
    let bad = |report: &&Report| matches!(expected.standing(report, today), Standing::Bad(_));
    let shown: Vec<&Report> = account.reports.iter().filter(|report| red(report) || bad(report)).collect();
    contents(&shown, &mut html);
    shown.iter().for_each(|report| details(report, account, expected, today, &mut html));
    html.push_str("<section><h2>All cases 全項目</h2>\n<table><tr><th>Outcome 結果</th><th>Strength</th><th>Case</th><th>Title, reason</th></tr>\n");
    for report in &account.reports {
        let word = report.outcome.word();
        let reason = if red(&report) { String::new() } else { report.reason.clone() };
        html.push_str(&format!(
            "<tr><td class=\"{word}\">{word}</td><td>{}</td><td><a href=\"{}\">{}</a></td><td>{} <small>{}</small></td></tr>\n",
            report.case.strength.word(),
            escaped(&report.case.url),
            escaped(&report.case.id),
            escaped(&report.case.title),
            escaped(&reason),
        ));
    }
    html.push_str("</table></section>\n</body></html>\n");
    html
}

/// What is red, a line each, with a link to all that is known of it.
fn contents(shown: &[&Report], html: &mut String) {
    if shown.is_empty() {
        html.push_str("<p class=\"passed\">Nothing is red. 不合格はありません。</p>\n");
        return;
    }
    html.push_str("<table>\n");
    for report in shown {
        html.push_str(&format!(
            "<tr><td class=\"{0}\">{0}</td><td>{1}</td><td><a href=\"#{2}\">{2}</a></td><td>{3}<br><small>{4}</small></td></tr>\n",
            report.outcome.word(),
            report.case.strength.word(),
            escaped(&report.case.id),
            escaped(&report.case.title),
            escaped(&report.reason),
        ));
    }
    html.push_str("</table>\n");
}

fn counts(account: &Account, html: &mut String) {
    let counts = account.counts();
    html.push_str("<table><tr><th></th>");
    Outcome::ALL
        .iter()
        .for_each(|outcome| html.push_str(&format!("<th>{}<br>{}</th>", outcome.word(), japanese(*outcome))));
    html.push_str("</tr>\n");
    for strength in Strength::ALL {
        html.push_str(&format!("<tr><th>{}</th>", strength.word()));
        for outcome in Outcome::ALL {
            let count = counts.get(&(strength, outcome)).copied().unwrap_or_default();
            html.push_str(&format!("<td>{count}</td>"));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table>\n");
}

fn details(report: &Report, account: &Account, expected: &Expected, today: &str, html: &mut String) {
    let case = &report.case;
    let word = report.outcome.word();
    let standing = match expected.standing(report, today) {
        Standing::Excused(reason) | Standing::Bad(reason) => reason,
        Standing::Well => report.reason.clone(),
    };
    html.push_str(&format!(
        "<section id=\"{0}\"><h2>{0}</h2>\n<p><span class=\"{word}\">{word}</span> {1}: {2}</p>\n\
         <p>{3} <a href=\"{4}\">{4}</a></p>\n<p class=\"miss\">{5}</p>\n",
        escaped(&case.id),
        case.strength.word(),
        escaped(&case.title),
        said(case),
        escaped(&case.url),
        escaped(&standing),
    ));
    for (label, words) in [("Why 理由", &case.why), ("How to mend it 対処", &case.mend)] {
        if !words.en.is_empty() {
            html.push_str(&format!("<p><b>{label}</b>: {}<br>{}</p>\n", escaped(&words.en), escaped(&words.ja)));
        }
    }
    html.push_str(&format!("<p><b>Again 再実行</b>: <code>{}</code></p>\n", escaped(&account.repeat(&case.id))));
    let last = report.exchanges.iter().rposition(|exchange| exchange.part != "tear-down");
    for (n, exchange) in report.exchanges.iter().enumerate() {
        shown(exchange, !exchange.misses.is_empty() || Some(n) == last, html);
    }
    html.push_str("</section>\n");
}

/// The clause: as the specification has it, where that was compared, and in our words.
fn said(case: &Case) -> String {
    let quote = case.quote.as_ref().map(|quote| format!("<q>{}</q><br>", escaped(quote))).unwrap_or_default();
    format!("{quote}{}", escaped(&case.clause))
}

/// One request with its answer; what went well before the one that matters is folded away.
fn shown(exchange: &Exchange, open: bool, html: &mut String) {
    let sent = &exchange.sent;
    let status = exchange.answer.as_ref().map_or_else(|_| "…".to_owned(), |answer| answer.status.to_string());
    html.push_str(&format!(
        "<details{}><summary class=\"{}\">{}: {} {} → {status}</summary>\n",
        if open { " open" } else { "" },
        if exchange.misses.is_empty() { "" } else { "wrong" },
        escaped(&exchange.part),
        escaped(&sent.method),
        escaped(&sent.url),
    ));
    // What is wrong stands before the bodies, which are long.
    for miss in &exchange.misses {
        html.push_str(&format!(
            "<p class=\"miss\">Expected 期待: <code>{}</code><br>Found 実際: <code>{}</code></p>\n",
            escaped(&miss.expected),
            escaped(&miss.found)
        ));
    }
    html.push_str(&format!("<pre>{} {}\n", escaped(&sent.method), escaped(&sent.url)));
    headers(&sent.headers, html);
    html.push_str(&format!("\n{}</pre>\n", escaped(&readable(&sent.body))));
    match &exchange.answer {
        Ok(answer) => {
            html.push_str(&format!("<pre>{} ({} ms)\n", answer.status, answer.millis));
            headers(&answer.headers, html);
            html.push_str(&format!("\n{}</pre>\n", escaped(&readable(&answer.body))));
        }
        Err(sentence) => html.push_str(&format!("<p class=\"miss\">{}</p>\n", escaped(sentence))),
    }
    html.push_str("</details>\n");
}

fn headers(headers: &[(String, String)], html: &mut String) {
    headers.iter().for_each(|(name, value)| html.push_str(&format!("{}: {}\n", escaped(name), escaped(value))));
}

/// JSON with indents, anything else as it is; cut where it is too long to be read.
fn readable(body: &str) -> String {
    let text = match serde_json::from_str::<Value>(body) {
        Ok(value) => serde_json::to_string_pretty(&value).unwrap_or_else(|_| body.to_owned()),
        Err(_) => body.to_owned(),
    };
    match text.char_indices().nth(BODY_CHARS_MAX) {
        Some((end, _)) => format!("{}\n… {} characters more", &text[..end], text[end..].chars().count()),
        None => text,
    }
}
