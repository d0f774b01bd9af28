//! What somebody of the network corrects or tries anew stays on the list until it conforms, whatever it is and whatever its sender
//! has sent meanwhile (`docs/adr/0050`).

use tasuki::letter::Letter;
use tasuki::pipeline::{Pipeline, Receipt};

use super::zipped::zip;
use super::*;

fn id_of(receipt: &Receipt) -> LetterId {
    LetterId::parse(&receipt.letter).unwrap()
}

fn letter(name: &str, bytes: Vec<u8>) -> Letter {
    Letter { source: gateway::source(HOSPITAL), name: name.into(), bytes }
}

/// A gateway of that policy over a store, and its pipeline.
fn strict(store: &Store, policy: Policy) -> Arc<Gateway> {
    over(store, &config(policy, false, &[])).0
}

/// A letter that is held because it is nothing.
fn held(pipeline: &Pipeline, name: &str) -> LetterId {
    let receipt = pipeline.receive(&letter(name, b"{\"resourceType\":\"Bundle\",".to_vec())).unwrap();
    assert_eq!(receipt.outcome, Outcome::Held);
    id_of(&receipt)
}

#[test]
fn a_correction_that_the_sender_was_refused_is_on_the_list() {
    let store = Store::open_memory();
    let gateway = strict(&store, Policy::Refuse);
    let pipeline = gateway.pipeline();
    let wrong = bundle("a", None).to_string().into_bytes();
    let refused = pipeline.receive(&letter("a", wrong.clone())).unwrap();
    assert_eq!((refused.outcome, store.is_held(id_of(&refused)).unwrap()), (Outcome::Refused, false));
    let broken = held(pipeline, "a");
    let corrected = pipeline.correct(broken, None, wrong).unwrap().unwrap();
    assert_eq!((corrected.outcome, &corrected.letter), (Outcome::Held, &refused.letter));
    assert_eq!((corrected.corrects.as_deref(), corrected.earlier.len()), (Some(broken.hex().as_str()), 1));
    assert!(!store.is_held(broken).unwrap() && store.is_held(id_of(&refused)).unwrap());
    assert_eq!(pipeline.receipt(broken).unwrap().unwrap().replaced_by.as_deref(), Some(refused.letter.as_str()));
    let retried = pipeline.retry(id_of(&refused)).unwrap().unwrap();
    assert_eq!((retried.outcome, store.is_held(id_of(&refused)).unwrap()), (Outcome::Held, true));
    let loose = strict(&store, Policy::Report);
    assert_eq!(loose.pipeline().retry(id_of(&refused)).unwrap().unwrap().outcome, Outcome::Stored);
}

#[test]
fn parts_of_what_is_at_the_desk_are_on_the_list_too() {
    let wrong = bundle("a", None).to_string().into_bytes();
    let packed = zip(&[("day/a.json".to_owned(), &wrong)], true);
    for sent_before in ["nothing", "the part", "the whole"] {
        let store = Store::open_memory();
        let gateway = strict(&store, Policy::Refuse);
        let pipeline = gateway.pipeline();
        let part = letter("day/a.json", wrong.clone());
        match sent_before {
            "the part" => assert_eq!(pipeline.receive(&part).unwrap().outcome, Outcome::Refused),
            "the whole" => {
                let whole = pipeline.receive(&letter("day.zip", packed.clone())).unwrap();
                assert_eq!((whole.outcome, whole.parts[0].outcome), (Outcome::Parted, Outcome::Refused));
            }
            _ => {}
        }
        let corrected = pipeline.correct(held(pipeline, "day.zip"), None, packed.clone()).unwrap().unwrap();
        assert_eq!(corrected.outcome, Outcome::Parted, "{sent_before}");
        assert_eq!(corrected.parts[0].outcome, Outcome::Held, "{sent_before}");
        assert_eq!(store.held(None, 9).unwrap(), [part.id()], "{sent_before}");
    }
}

/// Held by a program that could not open it.
fn held_by_another(gateway: &Gateway, letter: &Letter) -> LetterId {
    let (store, id) = (gateway.pipeline().store(), letter.id());
    let receipt = json!({"letter": id.hex(), "name": letter.name, "received": clock(), "outcome": "held", "patient": null,
        "resources": [], "unchanged": 0, "issues": []});
    let mut commit = store.keep_raw(id, letter).unwrap().unwrap();
    commit.hold(id);
    commit.put_receipt(id, receipt.to_string().as_bytes()).unwrap();
    store.submit(commit).wait().unwrap();
    id
}

#[test]
fn a_container_that_is_tried_anew_keeps_its_parts_on_the_list() {
    let store = Store::open_memory();
    let gateway = over(&store, &config(Policy::Refuse, true, &[OF_PATIENT])).0;
    // A batch in a zip file: what is inside of it is at the desk however deep it lies. One of the messages was refused before.
    let messages = [adt("c1", ""), adt("c2", "")];
    let refused = gateway.receive(&letter("", messages[0].clone().into_bytes())).unwrap();
    assert_eq!(refused.outcome, Outcome::Refused);
    let batch = format!("BHS|^~\\&|HIS|{HOSPITAL}\r{}BTS|2\r", messages.concat());
    let whole = letter("w.zip", zip(&[("b.hl7".to_owned(), batch.as_bytes())], true));
    let id = held_by_another(&gateway, &whole);
    let receipt = gateway.pipeline().retry(id).unwrap().unwrap();
    assert_eq!((receipt.outcome, receipt.parts[0].outcome), (Outcome::Parted, Outcome::Parted));
    let inside = gateway.pipeline().receipt(LetterId::parse(&receipt.parts[0].letter).unwrap()).unwrap().unwrap();
    let outcomes: Vec<Outcome> = inside.parts.iter().map(|part| part.outcome).collect();
    assert_eq!((outcomes, store.held(None, 9).unwrap().len()), (vec![Outcome::Held; 2], 2));
    assert!(!store.is_held(id).unwrap());
}
