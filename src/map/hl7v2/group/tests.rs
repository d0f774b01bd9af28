//! What belongs to what, in the orders that senders use.

use super::*;
use crate::decode::hl7v2::{Message, Segment};

/// Requests as `R` (OBR) and `O` (ORC), results as `x` with `+` for lines that go on and `n` for notes, specimens as `s`
/// and their place, TQ1 as `t`, DG1 as `d`; then what is about specimens, then what stands alone.
fn shape(style: Style, segments: &str) -> String {
    let text = format!("MSH|^~\\&|H\r{segments}");
    let message = Message::parse(&text).unwrap().value;
    let groups = order_groups(&message, style);
    let result = |group: &ResultGroup<'_>| {
        let at = group.specimen.map(|at| at.to_string()).unwrap_or_default();
        format!("x{at}{}{}", "+".repeat(group.continued.len()), "n".repeat(group.notes.len()))
    };
    let results = |groups: &[ResultGroup<'_>]| groups.iter().map(result).collect::<String>();
    let mut out = Vec::new();
    for request in &groups.requests {
        let own = [(request.request, "R"), (request.order, "O")];
        let own: String = own.iter().filter(|(segment, _)| segment.is_some()).map(|(_, mark)| *mark).collect();
        let lists = [(&request.notes, "n"), (&request.timings, "t"), (&request.diagnoses, "d"), (&request.images, "i")];
        let lists: String = lists.iter().map(|(list, mark)| mark.repeat(list.len())).collect();
        let specimens: String = request.specimens.iter().map(|at| format!("s{at}")).collect();
        let steps: String = request.performed.iter().map(|step| format!("[{}]", results(&step.results))).collect();
        let marks = [(request.is_prior, "<"), (request.is_foreign, "!")];
        let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
        out.push(format!("{marks}{own}{lists}{specimens}{}{steps}", results(&request.results)));
    }
    for (at, specimen) in groups.specimens.iter().enumerate() {
        let (notes, containers) = ("n".repeat(specimen.notes.len()), "c".repeat(specimen.containers.len()));
        out.push(format!("S{at}{notes}{containers}{}", results(&specimen.results)));
    }
    out.extend(groups.results.iter().map(result));
    out.join(" ")
}

#[test]
fn results_stand_under_their_request() {
    let cases = [
        ("ORC|RE\rOBR|1\rNTE|1\rTQ1|1\rOBX|1\rNTE|1\rNTE|2\rOBX|2", "ROntxnnx"),
        ("ORC|RE\rTQ1|1\rOBR|1\rOBX|1\rORC|RE\rOBR|2\rOBX|1", "ROtx ROx"),
        ("OBR|1\rOBX|1\rOBR|2\rOBX|1", "Rx Rx"),
        ("OBR|1\rORC|RE\rOBX|1\rOBR|2\rORC|RE\rOBX|1", "ROx ROx"),
        ("OBR|1\rORC|RE\rOBR|2\rOBX|1", "R ROx"),
        ("ORC|RE\rOBX|1", "Ox"),
        ("ORC|CA", "O"),
        ("OBX|1\rNTE|1\rOBX|2", "xn x"),
        ("NTE|1\rOBX|1", "x"),
        ("PID|1\rOBR|1\rOBX|1\rPID|1\rNTE|1\rPV1|1\rOBR|1\rOBX|1", "Rx Rx"),
        ("PID|1", ""),
    ];
    for (segments, expected) in cases {
        assert_eq!(shape(Style::Results, segments), expected, "{segments}");
    }
}

#[test]
fn one_order_may_serve_several_requests() {
    let cases = [
        (Style::Results, "ORC|RE|7\rOBR|1|7\rOBX|1\rOBR|2|7\rOBX|1\rOBR|3|8\rOBX|1", "ROx ROx Rx"),
        (Style::Results, "ORC|RE|7\rOBR|1\rOBX|1\rOBR|2\rOBX|1", "ROx Rx"),
        (Style::Orders, "ORC|NW|7\rOBR|1\rOBR|2\rOBX|1\rSPM|1", "ROs0 ROs0x S0"),
        (Style::Orders, "ORC|NW|7\rOBR|1\rSPM|1\rOBR|2\rSPM|2", "ROs0 ROs1 S0 S1"),
        (Style::Orders, "ORC|NW|7\rOBR|1\rORC|NW|8\rOBR|2\rSPM|1", "RO ROs0 S0"),
    ];
    for (style, segments, expected) in cases {
        assert_eq!(shape(style, segments), expected, "{segments}");
    }
}

#[test]
fn specimens_stand_before_or_behind_their_requests() {
    let cases = [
        // OUL^R22: specimen, what was found of it, container, requests.
        (
            Style::ResultsRequestFirst,
            "SPM|1\rNTE|1\rOBX|1\rSAC|1\rOBR|1\rORC|NW\rOBX|1\rNTE|1\rOBX|2\rOBR|2\rORC|NW\rOBX|3\r\
          SPM|2\rOBR|3\rOBX|4",
            "ROs0x0nx0 ROs0x0 Rs1x1 S0ncx0 S1",
        ),
        (Style::ResultsRequestFirst, "SPM|1\rORC|NW\rOBR|1\rOBX|1\rORC|NW\rOBR|2\rOBX|2", "ROs0x0 ROs0x0 S0"),
        (Style::ResultsRequestFirst, "SPM|1\rORC|CA", "Os0 S0"),
        (Style::ResultsRequestFirst, "OBR|1\rORC|NW\rOBR|2\rOBX|1", "RO Rx"),
        // OUL^R24: request, its specimens, results.
        (Style::ResultsRequestFirst, "OBR|1\rORC|NW\rSPM|1\rSAC|1\rOBX|1\rSPM|2\rOBX|2", "ROs0s1x0x1 S0c S1"),
        // ORU^R01: request, results, specimens with what was found of them.
        (Style::Results, "OBR|1\rOBX|1\rSPM|1\rOBX|2\rSPM|2\rOBR|2\rOBX|1\rSPM|3", "Rs0s1x Rs2x S0x0 S1 S2"),
        (Style::Results, "SPM|1\rOBR|1\rOBX|1", "Rs0x0 S0"),
        (Style::Results, "OBR|1\rSPM|1\rOBX|1\rOBX|2", "Rs0x0x0 S0"),
        // OML^O21: findings about the specimen; OML^O33: specimen first.
        (Style::Orders, "ORC|NW\rTQ1|1\rOBR|1\rDG1|1\rOBX|1\rSPM|1\rOBX|2", "ROtds0x S0x0"),
        (
            Style::Orders,
            "SPM|1\rSAC|1\rORC|NW\rOBR|1\rOBX|1\rORC|NW\rOBR|2\rSPM|2\rORC|NW\rOBR|3",
            "ROs0x0 ROs0 ROs1 S0c S1",
        ),
    ];
    for (style, segments, expected) in cases {
        assert_eq!(shape(style, segments), expected, "{segments}");
    }
}

#[test]
fn an_order_repeats_earlier_results_behind_a_further_patient() {
    let cases = [
        ("PID|1\rORC|NW\rOBR|1\rPID|1\rORC|PR\rOBR|1\rOBX|1\rOBR|2\rORC|NW\rOBR|3", "RO <ROx <RO RO"),
        ("PID|1\rORC|NW\rRXO|1\rORC|NW\rOBR|1\rORC|NW\rODS|1", "!O RO !O"),
    ];
    for (segments, expected) in cases {
        assert_eq!(shape(Style::Orders, segments), expected, "{segments}");
    }
}

#[test]
fn japanese_imaging_orders_say_their_head_twice() {
    let segments = "ORC|NW|9\rTQ1|1\rOBR||9||A^x\rIPC|1\rORC|PA|9\rTQ1|1\rOBR||9||A^x\rOBX|1\rORC|CH|91\rOBR||91||B^y\r\
                    ZE1|1\rOBX|1\rOBX|2\rZE1|2\rOBX|1";
    assert_eq!(shape(Style::Orders, segments), "ROtix RO[xx][x]");
    assert_eq!(shape(Style::Orders, "ORC|PA|9\rOBR||9||A\rORC|PA|8\rOBR||8||A"), "RO RO");
}

#[test]
fn lines_of_one_text_are_one_result() {
    let cases = [
        ("OBX|1|TX|A^a||one|||||||F\rOBX|2|TX|A^a||two|||||||F\rOBX|3|TX|B^b||three|||||||F", "Rx+x"),
        ("OBX|1|TX|A^a|1|one|||||||F\rOBX|2|TX|A^a|2|two|||||||F", "Rxx"),
        ("OBX|1|ST|A^a||one|||||||F\rOBX|2|ST|A^a||two|||||||F", "Rxx"),
        ("OBX|1|TX|A^a||one|||||||F\rNTE|1||n\rOBX|2|TX|A^a||two|||||||F", "Rxnx"),
        ("OBX|1|TX|A^a||one|||||||F\rOBX|2|TX|A^a||two||||||P", "Rxx"),
        ("OBX|1|TX|||one\rOBX|2|TX|||two", "Rx+"),
    ];
    for (segments, expected) in cases {
        assert_eq!(shape(Style::Results, &format!("OBR|1\r{segments}")), expected, "{segments}");
    }
}

#[test]
fn results_without_orders_have_their_notes() {
    let message = "MSH|^~\\&|H\rPID|1\rOBX|1\rNTE|1\rAL1|1\rNTE|1\rOBX|2";
    let message = Message::parse(message).unwrap().value;
    let notes: Vec<usize> = result_groups(&message).iter().map(|group| group.notes.len()).collect();
    assert_eq!(notes, [1, 0]);
    let all: Vec<&str> = result_groups(&message).iter().flat_map(ResultGroup::segments).map(Segment::name).collect();
    assert_eq!(all, ["OBX", "NTE", "OBX"]);
}
