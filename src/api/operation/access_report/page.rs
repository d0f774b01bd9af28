//! The page of an access report that a patient reads: plain HTML in Japanese, without scripts, everything escaped.

use core::fmt::Write;

use actix_web::http::header;
use sha2::{Digest, Sha256};

use super::{Access, Report, organization};
use crate::api::answer::Answer;
use crate::audit::{Event, Outcome, What};
use crate::consent::{Permitted, Role};
use crate::fhir::base64;
use crate::fhir::markup::escaped;
use crate::fhir::time::instant;

const STYLE: &str = "body{font-family:sans-serif;line-height:1.6;max-width:64rem;margin:1rem auto;padding:0 1rem}\
table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{border:1px solid #767676;padding:.4rem .6rem;text-align:left;\
vertical-align:top}th{background:#f0f0f0}.no{color:#a00000}";

/// Types that patients have a word for.
const TYPES: [(&str, &str); 26] = [
    ("AllergyIntolerance", "アレルギー"),
    ("AuditEvent", "閲覧の記録"),
    ("Binary", "文書"),
    ("Bundle", "文書"),
    ("CarePlan", "ケアプラン"),
    ("CareTeam", "担当者"),
    ("Composition", "文書"),
    ("Condition", "病名"),
    ("Consent", "同意"),
    ("Coverage", "保険"),
    ("DiagnosticReport", "検査の報告"),
    ("DocumentReference", "文書"),
    ("Encounter", "受診・入院"),
    ("FamilyMemberHistory", "家族の病歴"),
    ("Goal", "目標"),
    ("Immunization", "予防接種"),
    ("MedicationAdministration", "投薬の実施"),
    ("MedicationDispense", "調剤"),
    ("MedicationRequest", "処方"),
    ("MedicationStatement", "服薬"),
    ("Observation", "検査結果・測定値"),
    ("Patient", "基本情報"),
    ("Procedure", "処置・手術"),
    ("Provenance", "情報の出どころ"),
    ("QuestionnaireResponse", "問診"),
    ("ServiceRequest", "依頼"),
];

/// Purposes of use that patients have a word for.
const PURPOSES: [(&str, &str); 11] = [
    ("TREAT", "診療"),
    ("COC", "ケアの連携"),
    ("ETREAT", "救急の診療"),
    ("BTG", "緊急時の特別な閲覧"),
    ("HOPERAT", "業務の運営"),
    ("CAREMGT", "ケアの管理"),
    ("HPAYMT", "請求"),
    ("HRESCH", "研究"),
    ("PUBHLTH", "公衆衛生"),
    ("PATRQT", "ご本人の求め"),
    ("FAMRQT", "ご家族の求め"),
];

/// The page with the headers that keep it what it is: nothing is run, nothing is loaded, nowhere is it shown inside another.
pub(super) fn answer(body: Permitted<String>) -> Answer {
    let style = base64::encode(&Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    Answer::bytes(body.map(String::into_bytes), "text/html; charset=utf-8")
        .with_header(header::CONTENT_SECURITY_POLICY, policy)
        .with_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with_header(header::REFERRER_POLICY, "no-referrer")
        .with_header(header::CONTENT_LANGUAGE, "ja")
}

pub(super) fn html(report: &Report) -> String {
    let mut out = String::with_capacity(4096 + 512 * report.accesses.len());
    out.push_str("<!DOCTYPE html><html lang=\"ja\"><head><meta charset=\"utf-8\"><title>閲覧の記録</title>");
    let _ = write!(out, "<style>{STYLE}</style></head><body><h1>あなたの情報を見た記録</h1>");
    let period = match &report.asked {
        [None, None] => "これまでのすべての期間".to_owned(),
        [from, to] => format!("{} から {} まで", from.as_deref().unwrap_or("最初"), to.as_deref().unwrap_or("現在")),
    };
    let _ = write!(out, "<p>期間: {}（新しい順）</p>", escaped(&period));
    if report.accesses.is_empty() {
        out.push_str("<p>この期間に、あなたの情報を見た記録はありません。</p>");
    } else {
        counts(&mut out, report);
        accesses(&mut out, report);
    }
    if let Some(url) = report.next_url() {
        let _ = write!(out, "<p><a href=\"{}\">これより前の記録</a></p>", escaped(&url));
    }
    out.push_str("<p>「開示されませんでした」は、閲覧が試みられ、同意などにより情報が渡らなかったことを示します。</p></body></html>");
    out
}

fn counts(out: &mut String, report: &Report) {
    out.push_str(
        "<h2>日ごと・機関ごとの回数</h2><table><thead><tr><th>日</th><th>機関</th><th>回数</th></tr></thead><tbody>",
    );
    for (day, of, count, _) in report.counts() {
        let who = of.map_or_else(|| "ネットワークの運営者など".to_owned(), |of| name(report, &of));
        let _ = write!(out, "<tr><td>{}</td><td>{}</td><td>{count}</td></tr>", escaped(&day), escaped(&who));
    }
    out.push_str("</tbody></table>");
}

fn accesses(out: &mut String, report: &Report) {
    out.push_str("<h2>一覧</h2><table><thead><tr><th>日時</th><th>機関</th><th>目的</th><th>見た情報の種類</th>");
    out.push_str("<th>根拠（同意）</th></tr></thead><tbody>");
    for Access { event, .. } in &report.accesses {
        let when = instant(event.recorded_ms, report.zone_minutes);
        let when = when.get(..16).unwrap_or_default().replace('T', " ");
        let who = match organization(event) {
            Some(of) => name(report, &of),
            None if event.agent.is_some() => "ネットワークの運営者".to_owned(),
            None => "不明".to_owned(),
        };
        let purpose = event.purpose.map_or("", |purpose| word(&PURPOSES, purpose.code()));
        let class = if event.outcome == Outcome::Done { "" } else { " class=\"no\"" };
        let cells = [when, who, purpose.to_owned(), seen(event)];
        let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
        let _ = write!(out, "<tr>{cells}<td{class}>{}</td></tr>", escaped(&ground(event)));
    }
    out.push_str("</tbody></table>");
}

fn name(report: &Report, organization: &str) -> String {
    match report.names.get(organization).filter(|name| !name.is_empty()) {
        Some(name) => name.clone(),
        None => organization.to_owned(),
    }
}

fn word<'a>(words: &[(&str, &'a str)], code: &'a str) -> &'a str {
    words.iter().find(|(known, _)| *known == code).map_or(code, |(_, word)| word)
}

/// What kind of information, what was done with it, and how much of it.
fn seen(event: &Event) -> String {
    let kind = match (event.what, event.resource_type) {
        (What::Everything | What::Export, _) => "記録のすべて",
        (What::AccessReport, _) => "閲覧の記録",
        (What::Register | What::RegisterBatch | What::RegistrationReport, _) => "参加登録",
        (What::Revoke, _) => "同意の撤回",
        (What::RegistrationForm, _) => "同意書の画像",
        (_, Some(resource_type)) => word(&TYPES, resource_type.name()),
        (_, None) => "記録",
    };
    let done = match event.what {
        What::Search | What::LastN | What::DocRef => "検索",
        What::Receive | What::Import => "受け取り",
        What::Create | What::Register | What::RegisterBatch | What::Revoke => "登録",
        What::Update | What::Patch | What::MetaAdd | What::MetaDelete | What::Replay => "更新",
        What::Delete | What::LetterDropped => "削除",
        What::Send | What::Export | What::AuditExport => "提供",
        _ => "閲覧",
    };
    let count = super::count_of(event).filter(|_| event.outcome == Outcome::Done);
    let count = count.map_or_else(String::new, |count| format!("、{count}件"));
    format!("{kind}（{done}{count}）")
}

/// On what ground something was shown, or why nothing was.
fn ground(event: &Event) -> String {
    match event.outcome {
        Outcome::Done => {}
        Outcome::Consent => return "開示されませんでした（同意の範囲外）".into(),
        Outcome::UnknownCaller | Outcome::Role | Outcome::Scope => return "開示されませんでした（権限なし）".into(),
        _ => return "開示されませんでした".into(),
    }
    if event.consents.is_empty() {
        return match event.agent.as_ref().map(|agent| agent.role) {
            Some(Role::Source) => "情報を提供した機関".into(),
            Some(Role::Office) => "ネットワークの運営".into(),
            _ => String::new(),
        };
    }
    let named = event.consents.iter().map(|consent| format!("同意 {}（第{}版）", consent.id, consent.version));
    named.collect::<Vec<_>>().join("、")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::audit::Agent;
    use crate::consent::{ConsentVersion, Purpose};
    use crate::fhir::{PatientKey, ResourceType};

    #[test]
    fn a_page_says_who_saw_what_and_no_word_of_it_is_markup() {
        let event = Event {
            agent: Some(Agent { client: "c".into(), organization: "Organization/a".into(), role: Role::Care }),
            resource_type: Some(ResourceType::OBSERVATION),
            purpose: Some(Purpose::COORDINATION_OF_CARE),
            consents: vec![ConsentVersion { id: "<k>".into(), version: 3 }],
            count: 17,
            ..Event::new(1_790_000_000_123, What::Search)
        };
        let refused = Event { outcome: Outcome::Consent, ..event.clone() };
        let accesses = [event, refused].map(|event| Access { id: "e".into(), event }).into();
        let report = Report {
            patient: PatientKey(7 << 64),
            asked: [Some("<2026>".into()), None],
            accesses,
            names: BTreeMap::from([("Organization/a".into(), "<b onload='x'>訪問看護 & \"介護\"".into())]),
            next: Some("0-0".into()),
            zone_minutes: 540,
            base_url: "https://gateway.example/fhir".into(),
        };
        let page = html(&report);
        for expected in [
            "<td>2026-09-21 23:13</td>".to_owned(),
            "&lt;b onload=&#39;x&#39;&gt;訪問看護 &amp; &quot;介護&quot;".into(),
            "<td>ケアの連携</td><td>検査結果・測定値（検索、17件）</td><td>同意 &lt;k&gt;（第3版）</td>".into(),
            "<td class=\"no\">開示されませんでした（同意の範囲外）</td>".into(),
            "<td>2</td>".into(),
            "$access-report?start=%3C2026%3E&amp;_cursor=0-0".into(),
        ] {
            assert!(page.contains(&expected), "{expected} in {page}");
        }
        assert!(!page.contains("<b ") && !page.contains("<script") && !page.contains("<k>"));
        // It is XML as well, so every element is closed.
        let body = page.replace("<!DOCTYPE html>", "").replace("<meta charset=\"utf-8\">", "");
        assert!(roxmltree::Document::parse(&body).is_ok(), "{page}");
    }

    #[test]
    fn the_policy_names_the_style_that_is_there() {
        let answer = answer(Permitted::gather(Vec::<Permitted<()>>::new(), |_| String::new()));
        let policy = answer.headers.iter().find(|(name, _)| *name == header::CONTENT_SECURITY_POLICY);
        let style = base64::encode(&Sha256::digest(STYLE));
        assert!(policy.is_some_and(|(_, policy)| policy.contains(&style) && policy.contains("default-src 'none'")));
    }
}
