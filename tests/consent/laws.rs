//! Laws that hold for any record, whoever asks and when: what can only take away never gives.

use serde_json::{Value, json};
use tasuki::consent::{Gate, Policy, RowFacts, Verdict};

use crate::agreement::{seeded, shrunk};
use crate::cases::{self, Dice};
use crate::judge::{self, Judged};

/// Cases in each law.
const CASES: u64 = 3_000;

/// Whether no resource is open after that was not open before.
fn never_wider(before: &Value, after: &Value) -> bool {
    let (Some(before), Some(after)) = (judge::answers(before), judge::answers(after)) else { return true };
    before.len() == after.len() && after.iter().zip(before).all(|(after, before)| !after || before)
}

/// Tries a change on many cases; shows the smallest on which the law is broken. Gives how many it applied to.
fn law(change: impl Fn(&Value, &mut Dice) -> Option<Value>) {
    let mut applied = 0;
    for (at, case) in seeded(CASES).enumerate() {
        let changed = |case: &Value| change(case, &mut Dice(at as u64));
        let Some(after) = changed(&case) else { continue };
        applied += u32::from(after != case);
        if never_wider(&case, &after) {
            continue;
        }
        let small = shrunk(case, |case| changed(case).is_some_and(|after| !never_wider(case, &after)));
        let after = changed(&small).unwrap_or_default();
        panic!("{:?} became {:?}\n{small:#}\n{after:#}", judge::answers(&small), judge::answers(&after));
    }
    assert!(applied > 100, "the law was tried on {applied} cases only");
}

fn consents_of(case: &Value) -> usize {
    case["consents"].as_array().map_or(0, Vec::len)
}

/// A place in the case of a Consent that is in force, understood, and permits, at the chance of the dice.
fn a_sound_permit(case: &Value, dice: &mut Dice) -> Option<usize> {
    let at = dice.roll(consents_of(case).max(1));
    let consent = case["consents"].get(at)?;
    let understood = tasuki::consent::Directive::read(consent).alarm().is_none();
    // One that supersedes another, or is superseded, or names another patient, is not taken away alone.
    let alone = !case.to_string().contains("Consent/");
    let own = consent["patient"]["reference"] == case["record"];
    (consent["status"] == "active" && consent["provision"]["type"] == "permit" && understood && alone && own)
        .then_some(at)
}

fn has_denials(rule: &Value) -> bool {
    let exceptions = rule["provision"].as_array().map(Vec::as_slice).unwrap_or_default();
    rule["type"] == "deny" || exceptions.iter().any(has_denials)
}

fn has_permits(rule: &Value) -> bool {
    let exceptions = rule["provision"].as_array().map(Vec::as_slice).unwrap_or_default();
    rule["type"] == "permit" || exceptions.iter().any(has_permits)
}

#[test]
fn one_more_denial_never_widens() {
    law(|case, dice| {
        let mut after = case.clone();
        let mut rule = cases::provision(dice, false, 0);
        if has_permits(&json!({"provision": rule["provision"]})) {
            rule.as_object_mut()?.remove("provision");
        }
        let mut denial = case["consents"].get(0)?.clone();
        for (name, value) in [("id", json!("denial")), ("status", json!("active")), ("provision", rule)] {
            denial[name] = value;
        }
        denial.as_object_mut()?.remove("sourceReference");
        after["consents"].as_array_mut()?.push(denial);
        Some(after)
    });
}

#[test]
fn one_permit_less_never_widens() {
    law(|case, dice| {
        let at = a_sound_permit(case, dice)?;
        let mut after = case.clone();
        // A permit that holds denials is no mere permit.
        let consents = after["consents"].as_array_mut()?;
        (!has_denials(&case["consents"][at]["provision"])).then(|| consents.remove(at))?;
        Some(after)
    });
}

#[test]
fn one_exception_that_permits_less_never_widens() {
    law(|case, dice| {
        let at = dice.roll(consents_of(case).max(1));
        let mut after = case.clone();
        let exceptions = after["consents"].get_mut(at)?["provision"]["provision"].as_array_mut()?;
        let inner = exceptions.iter().position(|inner| inner["type"] == "permit" && !has_denials(inner))?;
        let sound = tasuki::consent::Directive::read(&case["consents"][at]).alarm().is_none();
        (sound && exceptions.len() > 1).then(|| exceptions.remove(inner))?;
        Some(after)
    });
}

#[test]
fn a_narrower_purpose_of_a_permit_never_widens() {
    law(|case, dice| {
        let at = a_sound_permit(case, dice)?;
        let mut after = case.clone();
        let rule = &mut after["consents"][at]["provision"];
        (!has_denials(rule) && rule["purpose"].is_null()).then_some(())?;
        rule["purpose"] = json!([{"code": dice.pick(&["TREAT", "COC", "HRESCH"])}]);
        Some(after)
    });
}

#[test]
fn a_wider_purpose_of_who_asks_never_gets_more_of_permits() {
    law(|case, _| {
        // Who asks for more than it did, is permitted what both purposes are.
        let wider = match case["asker"]["purpose"].as_str()? {
            "COC" | "ETREAT" | "POPHLTH" => "TREAT",
            "BTG" => "ETREAT",
            "BIORCH" => "HRESCH",
            _ => return None,
        };
        let consents = case["consents"].as_array()?;
        let plain = |consent: &Value| consent["provision"]["type"] == "permit" && !has_denials(&consent["provision"]);
        (consents.iter().all(plain) && case["terms"]["limits"].is_null()).then_some(())?;
        let mut after = case.clone();
        after["asker"]["purpose"] = wider.into();
        Some(after)
    });
}

#[test]
fn an_earlier_end_of_a_permit_never_widens() {
    law(|case, dice| {
        let at = a_sound_permit(case, dice)?;
        let mut after = case.clone();
        let period = &mut after["consents"][at]["provision"]["period"];
        let earlier = dice.pick(&["2026-04-30", "2026-06-14", "2026-06-15T09:30:00+09:00"]);
        let start = period["start"].as_str().unwrap_or("2020").to_owned();
        let ends = judge::instant(&period["end"]).unwrap_or(i64::MAX);
        let sooner =
            judge::instant(&earlier.into()).filter(|at| Some(*at) > judge::instant(&json!(start)) && *at < ends);
        (sooner.is_some() && !has_denials(&case["consents"][at]["provision"])).then_some(())?;
        case["consents"][at]["provision"]["period"].is_object().then_some(())?;
        after["consents"][at]["provision"]["period"]["end"] = earlier.into();
        Some(after)
    });
}

#[test]
fn one_more_limit_of_the_network_never_widens() {
    law(|case, dice| {
        let mut after = case.clone();
        let limit = json!({"resourceType": "Consent", "id": "more", "status": "active",
            "provision": cases::provision(dice, dice_permits(dice.0), 0)});
        tasuki::consent::terms::Limit::read(&limit).ok()?;
        match after["terms"]["limits"].as_array_mut() {
            Some(limits) => limits.push(limit),
            None => after["terms"]["limits"] = json!([limit]),
        }
        Some(after)
    });
}

fn dice_permits(seed: u64) -> bool {
    seed.is_multiple_of(2)
}

#[test]
fn the_order_of_consents_and_exceptions_does_not_matter() {
    fn turned(rule: &mut Value) {
        if let Some(exceptions) = rule.get_mut("provision").and_then(Value::as_array_mut) {
            exceptions.reverse();
            exceptions.iter_mut().for_each(turned);
        }
    }
    law(|case, _| {
        let mut after = case.clone();
        let consents = after["consents"].as_array_mut()?;
        consents.reverse();
        consents.iter_mut().filter_map(|consent| consent.get_mut("provision")).for_each(turned);
        (judge::answers(case) != judge::answers(&after)).then(|| panic!("{case:#}\n{after:#}"));
        Some(after)
    });
}

#[test]
fn whoever_may_read_is_on_a_panel_and_the_fast_path_says_what_every_row_says() {
    let (mut open, mut closed, mut by_row) = (0, 0, 0);
    for case in seeded(CASES) {
        let Some(judged) = Judged::read(&case) else { continue };
        let policy = judged.policy();
        let (gate, verdict) =
            (Gate::new(&judged.caller, &judged.facility, &policy, judged.now), policy.verdict(judged.now));
        for row in 0..judged.columns.len() {
            let facts = RowFacts::row(&judged.columns, row);
            let decided = policy.decide(judged.now, &facts).permitted;
            assert_eq!(gate.row(&facts).is_some(), decided && own(&judged, row), "{case:#}");
            match verdict {
                Verdict::Closed => assert!(!decided, "{case:#}"),
                Verdict::Open(_) => assert_eq!(decided, facts.labels.is_empty(), "{case:#}"),
                Verdict::ByRow => {}
            }
            assert!(!decided || is_on_a_panel(&judged, &policy), "{case:#}");
        }
        match verdict {
            Verdict::Open(_) => open += 1,
            Verdict::Closed => closed += 1,
            Verdict::ByRow => by_row += 1,
        }
    }
    println!("open {open}, closed {closed}, by row {by_row}");
    assert!(open > 50 && closed > 50 && by_row > 50);
}

fn own(judged: &Judged, row: usize) -> bool {
    judged.columns.patients(row).iter().all(|named| judged.about.contains(named))
}

fn is_on_a_panel(judged: &Judged, policy: &Policy) -> bool {
    let panels: Vec<String> = judged.directives.iter().flat_map(|directive| directive.panels(&judged.teams)).collect();
    let mut of_caller: Vec<String> = judged.caller.panels().map(|name| name.into_owned()).collect();
    if policy.granted(judged.now).is_some() {
        of_caller.extend(judged.caller.emergency_panels());
    }
    of_caller.iter().any(|name| panels.contains(name))
}
