//! `tasuki directory import`: what whoever sits at the terminal sees, and what is stored.

use std::path::Path;

use tasuki::store::Store;

use crate::found;
use crate::import::row;
use crate::program::tasuki;

const HEADER: &str = "都道府県名,市区町村名,事業所名,サービスの種類,住所,緯度,経度,電話番号,法人番号,事業所番号,備考";

fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = tasuki(arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_list_is_taken_in_at_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (store, file) = (at("store"), at("list.csv"));
    let rows = [row("0170000001", "一", "訪問介護"), row("0170000002", "二", "訪問介護"), row("", "三", "訪問介護")];
    let text = format!("{HEADER}\r\n{}\r\n", rows.join("\r\n"));
    let (shift_jis, _, _) = encoding_rs::SHIFT_JIS.encode(&text);
    std::fs::write(&file, shift_jis.as_ref()).unwrap();
    let import = |more: &[&str]| {
        run(&[&["directory", "import", &file, "--kind", "care-offices", "--store", &store], more].concat())
    };
    let (code, said, warned) = import(&["--dry-run"]);
    assert_eq!(code, 1, "{warned}");
    assert!(said.contains("3 rows") && said.contains("2 would be taken, 1 broken"), "{said}");
    assert!(warned.contains("row 4, column 事業所番号") && warned.contains("list-no-number"), "{warned}");
    let (code, said, _) = import(&[]);
    assert_eq!(code, 1);
    assert!(said.contains("Organization: 2 created, 0 updated, 0 unchanged"), "{said}");
    let (_, said, _) = import(&[]);
    assert!(said.contains("Organization: 0 created, 0 updated, 2 unchanged"), "{said}");
    std::fs::write(&file, format!("{HEADER}\n{}\n", rows[0])).unwrap();
    let (code, said, _) = import(&["--retire"]);
    assert_eq!(code, 0);
    assert!(said.contains("1 not in the list any more, 1 retired") && said.contains("0170000002 訪問介護"), "{said}");
    for (arguments, expected) in [
        (&["--category", "5"][..], 2),
        (&["--prefecture", "48"], 2),
        (&["--prefecture", "北海道", "--category", "医科", "--dry-run"], 0),
    ] {
        assert_eq!(import(arguments).0, expected, "{arguments:?}");
    }
    std::fs::write(&file, "a,b\n1,2\n").unwrap();
    assert_eq!(import(&[]).0, 65, "no such list");
    assert_eq!(run(&["directory", "import", "nowhere.csv", "--kind", "hospitals", "--store", &store]).0, 66);
    let opened = Store::open_sled(Path::new(&store), 8 << 20).unwrap();
    assert_eq!(tasuki::store::verify::verify(&opened).unwrap().broken, []);
    let served = crate::serve(&opened);
    assert_eq!(found(&served, "agency-a", "/Organization?active=true").len(), 1);
    assert_eq!(found(&served, "agency-a", "/Organization").len(), 2);
}
