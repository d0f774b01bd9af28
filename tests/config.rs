//! The configuration: the example loads, and every mistake has its sentence with line and key.
#![allow(clippy::unwrap_used)]

#[path = "guide/mod.rs"]
mod guide;

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use tasuki::auth::{Digest, PeerCertificate, Registry};
use tasuki::config::{Config, Problem, Store};
use tasuki::consent::Role;
use tasuki::fault::Exit;
use tasuki::gzip::gzip;
use tasuki::validate::standard::{Policy, Standard};

/// 2026-11-21T00:00:00Z
const NOW_MS: i64 = 1_795_219_200_000;

fn example() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tasuki.toml")).unwrap()
}

/// The example with its commented keys switched on.
fn full() -> String {
    let on = |line: &str| {
        let key = line.strip_prefix("# ").and_then(|rest| rest.split_once(" = "));
        let commented = line.starts_with("# [") || key.is_some_and(|(key, _)| !key.contains(' '));
        if commented { line[2..].to_owned() } else { line.to_owned() }
    };
    let text = example().lines().map(on).collect::<Vec<_>>().join("\n");
    text.replace("AB:CD:...", &Digest::of(b"certificate").hex())
}

/// A folder with the certificates that the example names, and some that do not fit.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = |from: i32, to: i32| {
        let mut params = CertificateParams::new(vec!["gateway.example".into()]).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.self_signed(&key).unwrap().pem()
    };
    fs::create_dir_all(folder.path().join("profiles/network")).unwrap();
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/network")).unwrap().flatten() {
        fs::copy(file.path(), folder.path().join("profiles/network").join(file.file_name())).unwrap();
    }
    write("server.pem", &certificate(2026, 2030));
    write("client-ca.pem", &certificate(2026, 2030));
    write("expired.pem", &certificate(2020, 2026));
    write("future.pem", &certificate(2027, 2030));
    write("server-key.pem", &key.serialize_pem());
    write("other-key.pem", &KeyPair::generate().unwrap().serialize_pem());
    write("not-pem.pem", "hello");
    write("jwks-ca.pem", &certificate(2026, 2030));
    let coordinate = "A".repeat(64);
    let set = format!(r#"{{"keys":[{{"kty":"EC","crv":"P-384","kid":"k","x":"{coordinate}","y":"{coordinate}"}}]}}"#);
    write("agency-b-jwks.json", &set);
    write("private-jwks.json", &set.replace("\"kid\"", "\"d\":\"AA\",\"kid\""));
    write("other-jwks.json", &set.replace("P-384", "P-256"));
    let list = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2026, 1, 1),
        next_update: rcgen::date_time_ymd(2027, 1, 1),
        crl_number: 1.into(),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let issuer = rcgen::Issuer::new(CertificateParams::default(), &key);
    write("client-crl.pem", &list.signed_by(&issuer).unwrap().pem().unwrap());
    std::fs::create_dir(folder.path().join("maps")).unwrap();
    let profile = serde_json::json!({"resourceType": "StructureDefinition", "type": "Patient", "derivation": "constraint",
        "url": "http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Patient_eCS"});
    fs::write(folder.path().join("jp-core.r4-1.2.0.tgz"), guide::package("example.guide", "1.2.0", &[profile]))
        .unwrap();
    std::fs::create_dir(folder.path().join("clients.d")).unwrap();
    std::fs::create_dir(folder.path().join("people.d")).unwrap();
    std::fs::create_dir_all(folder.path().join("profiles/network")).unwrap();
    folder
}

fn read(text: &str, folder: &Path) -> Result<Config, Problem> {
    Config::read(text, &folder.join("tasuki.toml"), NOW_MS)
}

#[test]
fn the_example_maps_are_in_order() {
    let maps = tasuki::config::maps::load(Path::new("examples/maps")).unwrap();
    assert_eq!((maps.book.len(), maps.remarks.len()), (2, 0));
}

#[test]
fn the_example_loads() {
    let folder = folder();
    let config = read(&example(), folder.path()).unwrap();
    assert_eq!(config.store, Store::Sled { path: folder.path().join("tasuki-data"), cache_mib: 256 });
    let text = example().replace("engine = \"sled\"", "engine = \"fjall\"");
    let fjall = Store::Fjall { path: folder.path().join("tasuki-data"), cache_mib: 256 };
    assert_eq!(read(&text, folder.path()).unwrap().store, fjall);
    std::fs::write(folder.path().join("password"), "example\n").unwrap();
    let text = example().replace(
        "engine = \"sled\"",
        "engine = \"postgres\"\nurl = \"host=/run/postgresql user=tasuki\"\npassword_file = \"password\"",
    );
    let Store::Postgres(settings) = read(&text, folder.path()).unwrap().store else { panic!("not PostgreSQL") };
    assert_eq!((settings.password.as_deref(), settings.connections_max), (Some(&b"example"[..]), 8));
    assert!(!format!("{settings:?}").contains("example"));
    assert_eq!(config.sources[0].letter.zone_minutes, 540);
    assert!(config.tls.is_none());
    let roles: Vec<_> = config.clients.iter().map(|client| client.caller.role).collect();
    assert_eq!(roles, [Role::Source, Role::Care, Role::Office]);
    assert_eq!(config.clients[0].caller.facilities, [config.sources[0].letter.facility.clone()]);
    assert!(config.clients[1].caller.facilities.is_empty());
    let registry = Registry::new(config.clients);
    assert_eq!(registry.caller(Some("Bearer office"), None, NOW_MS).unwrap().client, "office");
}

#[test]
fn the_example_with_tls_loads_and_binds_a_token_to_its_certificate() {
    let folder = folder();
    let config = read(&full(), folder.path()).unwrap();
    assert!(config.tls.is_some());
    let registry = Registry::new(config.clients);
    let shown = PeerCertificate(Digest::of(b"certificate"));
    assert!(registry.caller(Some("Bearer agency-a-app"), None, NOW_MS).is_err());
    assert!(registry.caller(Some("Bearer agency-a-app"), Some(&shown), NOW_MS).is_ok());
}

#[test]
fn the_example_names_every_key() {
    let written = full();
    for name in [
        "listen",
        "base_url",
        "insecure_listen",
        "engine",
        "path",
        "cache_mib",
        "certificate",
        "key",
        "client_ca",
        "client_certificate",
        "minimum",
        "facility",
        "name",
        "zone",
        "organization",
        "id",
        "role",
        "token_sha256",
        "certificate_sha256",
        "body_bytes_max",
        "requests_waiting_max",
        "export_minutes_max",
        "exports_per_client_max",
        "clients",
        "jwks_ca",
        "crl",
        "jwks_file",
        "scopes",
        "tokens_per_minute_max",
        "token_attempts_per_minute_max",
        "requests_per_minute_max",
        "requests_at_once_max",
        "answer_seconds_max",
        "purposes",
        "issuer",
        "audience",
        "acr",
        "amr",
        "people",
        "organizations",
        "skew_seconds_max",
        "token_minutes_max",
        "plain_type",
        "subject",
        "practitioner",
        "purpose",
        "facilities",
        "tls",
        "allow_plain",
        "frame_bytes_max",
        "frame_seconds_max",
        "idle_seconds_max",
        "connections_max",
        "connections_per_address_max",
        "body_seconds_max",
        "head_seconds_max",
        "transactions",
        "index",
        "every_seconds",
        "package",
        "anchors",
        "rules",
        "validation",
        "profiles",
        "validate_mapped",
    ] {
        assert!(written.lines().any(|line| line.starts_with(&format!("{name} = "))), "{name}");
    }
}

/// What is replaced by what in the full example; the key and the rule that must be named.
const MISTAKES: [(&str, &str, &str, &str); 94] = [
    ("listen = ", "lisen = ", "lisen", "config-unknown-key"),
    ("cache_mib", "cache_mb", "cache_mb", "config-unknown-key"),
    ("minimum = \"1.3\"", "minimun = \"1.3\"", "minimun", "config-unknown-key"),
    ("zone = ", "timezone = ", "timezone", "config-unknown-key"),
    ("certificate_sha256 = ", "cert_sha256 = ", "cert_sha256", "config-unknown-key"),
    ("body_bytes_max", "body_max", "body_max", "config-unknown-key"),
    ("base_url = \"http://127.0.0.1:8080/fhir\"", "", "base_url", "config-missing-key"),
    ("role = \"care\"", "", "role", "config-missing-key"),
    ("path = \"tasuki-data\"", "", "store.path", "config-missing-key"),
    ("cache_mib = 256", "cache_mib = \"256\"", "", "config-syntax"),
    ("[store]", "[store", "", "config-syntax"),
    ("cache_mib = 256", "cache_mib = 256\ncache_mib = 256", "", "config-syntax"),
    ("127.0.0.1:8080\"\n", "localhost\"\n", "listen", "config-listen"),
    ("http://127.0.0.1:8080/fhir\"", "127.0.0.1/fhir\"", "base_url", "config-base-url"),
    ("http://127.0.0.1:8080/fhir\"", "https://a/fhir/\"", "base_url", "config-base-url"),
    ("http://127.0.0.1:8080/fhir\"", "https://a/f hir\"", "base_url", "config-base-url"),
    ("engine = \"sled\"", "engine = \"rocks\"", "store.engine", "config-choice"),
    ("engine = \"sled\"", "engine = \"postgres\"", "store.password_file", "config-unreadable"),
    ("\"tasuki-data\"", "\"nowhere/tasuki-data\"", "store.path", "config-store-folder"),
    ("\"audit-head-key.pem\"", "\"nowhere/key.pem\"", "audit.key", "config-audit-folder"),
    ("\"heads.ndjson\"", "\"nowhere/heads.ndjson\"", "audit.anchors", "config-audit-folder"),
    ("cache_mib = 256", "cache_mib = 15", "store.cache_mib", "config-range"),
    ("rules = [\"shipped\"]", "rules = [\"nowhere.json\"]", "labels.rules", "config-unreadable"),
    ("certain = 30.0", "certain = 3.0", "identity.weights", "config-weights"),
    ("\"server.pem\"", "\"nowhere.pem\"", "tls.certificate", "tls-file"),
    ("\"server.pem\"", "\"not-pem.pem\"", "tls.certificate", "tls-no-certificate"),
    ("\"server.pem\"", "\"expired.pem\"", "tls.certificate", "tls-expired"),
    ("\"server.pem\"", "\"future.pem\"", "tls.certificate", "tls-not-yet"),
    ("\"server-key.pem\"", "\"server.pem\"", "tls.key", "tls-no-key"),
    ("\"server-key.pem\"", "\"other-key.pem\"", "tls.key", "tls-key-of-another"),
    ("client_ca = \"client-ca.pem\"", "", "tls.client_ca", "tls-no-client-ca"),
    ("\"client-ca.pem\"", "\"not-pem.pem\"", "tls.client_ca", "tls-no-certificate"),
    ("\"required\"", "\"yes\"", "tls.client_certificate", "config-choice"),
    ("minimum = \"1.3\"", "minimum = \"1.1\"", "tls.minimum", "config-choice"),
    ("\"0119999901\"", "\"119999901\"", "source.facility", "config-facility"),
    ("\"0119999901\"", "\"9919999901\"", "source.facility", "config-facility"),
    ("\"0119999901\"", "\" \"", "source.facility", "config-facility"),
    ("\"+09:00\"", "\"JST\"", "source.zone", "config-zone"),
    ("\"Organization/agency-a\"", "\"agency-a\"", "client.organization", "config-organization"),
    ("\"office\"\norg", "\"network office\"\norg", "client.id", "config-client-id"),
    ("facility = \"network-office\"", "facility = \"0119999901\"", "network.facility", "config-office-facility"),
    ("\"office\"\norg", "\"agency-a-app\"\norg", "client.id", "config-twice"),
    ("role = \"office\"", "role = \"admin\"", "client.role", "config-choice"),
    ("role = \"care\"", "role = \"source\"", "client.role", "config-no-source"),
    (
        "client_certificate = \"required\"",
        "client_certificate = \"off\"",
        "client.certificate_sha256",
        "config-never-shown",
    ),
    ("package = ", "packages = ", "packages", "config-unknown-key"),
    ("\"jp-core.r4-1.2.0.tgz\"", "\"nowhere.tgz\"", "guide.package", "config-unreadable"),
    ("\"jp-core.r4-1.2.0.tgz\"", "\"not-pem.pem\"", "guide.package", "guide-not-whole"),
    ("frame_bytes_max", "frame_max", "frame_max", "config-unknown-key"),
    ("127.0.0.1:2575", "localhost:2575", "mllp.listen", "config-listen"),
    ("127.0.0.1:2575", "127.0.0.1:8080", "mllp.listen", "config-twice"),
    ("[\"0119999901\"]", "[]", "mllp.facilities", "config-no-facility"),
    ("[\"0119999901\"]", "[\"0119999902\"]", "mllp.facilities", "config-no-such-source"),
    ("[\"0119999901\"]", "[\"0119999901\", \"0119999901\"]", "mllp.facilities", "config-twice"),
    ("frame_seconds_max = 30", "frame_seconds_max = 0", "mllp.frame_seconds_max", "config-range"),
    ("every_seconds = ", "every = ", "every", "config-unknown-key"),
    ("\"/mnt/ssmix2/0119999901\"\n", "\" \"\n", "folder.path", "config-no-path"),
    ("01\"\nfacility = \"0119999901\"", "01\"\nfacility = \"0119999902\"", "folder.facility", "config-no-such-source"),
    ("\"/mnt/ssmix2/transactions\"", "\"\"", "folder.transactions", "config-no-path"),
    ("\"/mnt/ssmix2/ssmixidx.csv\"", "\"\"", "folder.index", "config-no-path"),
    ("every_seconds = 10", "every_seconds = 0", "folder.every_seconds", "config-range"),
    ("body_seconds_max = 60", "body_seconds_max = 0", "limits.body_seconds_max", "config-range"),
    ("requests_waiting_max = 1024", "requests_waiting_max = 0", "limits.requests_waiting_max", "config-range"),
    ("tokens_per_minute_max = 60", "tokens_per_minute_max = 0", "limits.tokens_per_minute_max", "config-range"),
    ("\"clients.d\"", "\"nowhere\"", "clients", "config-no-client-folder"),
    ("\"jwks-ca.pem\"", "\"nowhere.pem\"", "jwks_ca", "config-unreadable"),
    ("\"jwks-ca.pem\"", "\"not-pem.pem\"", "jwks_ca", "tls-no-certificate"),
    ("[\"client-crl.pem\"]", "[\"not-pem.pem\"]", "tls.crl", "tls-no-crl"),
    ("[\"client-crl.pem\"]", "[\"nowhere.pem\"]", "tls.crl", "tls-file"),
    ("jwks_file = \"agency-b-jwks.json\"", "", "client.id", "config-no-credential"),
    ("\"agency-b-jwks.json\"", "\"nowhere.json\"", "client.jwks_file", "config-unreadable"),
    ("\"agency-b-jwks.json\"", "\"not-pem.pem\"", "client.jwks_file", "config-jwks"),
    ("\"agency-b-jwks.json\"", "\"private-jwks.json\"", "client.jwks_file", "config-jwks-private"),
    ("\"agency-b-jwks.json\"", "\"other-jwks.json\"", "client.jwks_file", "config-jwks-no-key"),
    ("jwks_file = \"agency-b-jwks.json\"", "jwks_uri = \"http://a.example/\"", "client.jwks_uri", "config-jwks-uri"),
    ("jwks_file = ", "jwks = '{}'\njwks_file = ", "client.id", "config-jwks-twice"),
    ("\"system/Patient.rs\"", "\"patient/Patient.rs\"", "client.scopes", "config-scope"),
    ("[\"COC\", \"TREAT\"]", "[\"COC\", \"BTG\"]", "client.purposes", "config-purpose"),
    ("https://idp.example/realms/care", "http://idp.example", "oidc.issuer", "config-issuer"),
    ("audience = \"https://gateway.example/fhir\"", "audience = \"\"", "oidc.audience", "config-audience"),
    ("acr = [\"mfa\"]\namr = [\"pwd\", \"otp\"]", "", "oidc.issuer", "config-no-assurance"),
    ("acr = [\"mfa\"]", "acr = [\"two factors\"]", "oidc.acr", "config-assurance"),
    ("people = \"people.d\"", "people = \"nowhere\"", "oidc.people", "config-no-client-folder"),
    ("token_minutes_max = 60", "token_minutes_max = 0", "oidc.token_minutes_max", "config-range"),
    ("\"8f1c0d52-1b7e-4a51-9f0e-3d1b8c1f6a77\"", "\"\"", "person.subject", "config-subject"),
    ("\"Practitioner/nurse-1\"", "\"nurse-1\"", "person.practitioner", "config-practitioner"),
    ("\"user/Patient.rs\"", "\"system/Patient.rs\"", "person.scopes", "config-user-scope"),
    ("purpose = \"COC\"", "purpose = \"CARE\"", "person.purpose", "config-purpose"),
    ("requests_at_once_max = 1024", "requests_at_once_max = 0", "limits.requests_at_once_max", "config-range"),
    ("validation = \"report\"", "validation = \"strict\"", "source.validation", "config-choice"),
    ("validation = \"off\"", "validation = \"hold\"", "fhir.validation", "config-choice"),
    ("JP_Patient_eCS\"]", "JP_Patient\"]", "fhir.profiles", "config-profile"),
    ("JP_Patient_eCS\"]\n# Whether what", "JP_Patient\"]\n# Whether what", "source.profiles", "config-profile"),
    ("validate_mapped", "validate_v2", "validate_v2", "config-unknown-key"),
];

#[test]
fn a_person_needs_a_provider_and_is_somebody_else_than_the_others() {
    let folder = folder();
    let person = |id: &str, subject: &str| {
        format!("id = \"{id}\"\nsubject = \"{subject}\"\norganization = \"Organization/agency-a\"\n")
    };
    let alone = format!("{}\n[[person]]\n{}", example(), person("a", "s"));
    assert_eq!(read(&alone, folder.path()).unwrap_err().rule.id, "config-no-provider");
    let oidc = "[oidc]\nissuer = \"https://idp.example\"\naudience = \"x\"\namr = [\"mfa\"]\npeople = \"people.d\"\n";
    let text = format!("{}\n{oidc}[[person]]\n{}", example(), person("a", "s"));
    let twice = format!("{text}[[person]]\n{}", person("b", "s"));
    assert_eq!(read(&twice, folder.path()).unwrap_err().key, "person.subject");
    let people = read(&text, folder.path()).unwrap().people.unwrap();
    assert_eq!((people.people.len(), people.people[0].caller.client.as_str()), (1, "person:a"));
    let (found, stamp) = (people.folder.unwrap(), |folder: &tasuki::config::PeopleFolder| folder.stamp());
    let before = stamp(&found);
    let write = |name: &str, text: &str| fs::write(folder.path().join("people.d").join(name), text).unwrap();
    write("b.toml", &person("b", "t"));
    write("c.toml", &person("c", "s"));
    write("d.toml", &person("b", "u"));
    write("e.toml", "id = ");
    let (people, problems) = found.load();
    assert_ne!(stamp(&found), before);
    assert_eq!(people.iter().map(|person| person.subject.as_str()).collect::<Vec<_>>(), ["s", "t"]);
    let rules: Vec<_> = problems.iter().map(|problem| problem.rule.id).collect();
    assert_eq!(rules, ["config-person-twice", "config-person-twice", "config-syntax"]);
    assert!(read(&text, folder.path()).is_err(), "at the start every file must be in order");
}

#[test]
fn a_database_needs_an_address_without_a_password_and_tls_to_another_machine() {
    let folder = folder();
    let local = "url = \"postgresql://tasuki@127.0.0.1/tasuki\"";
    let far = "url = \"postgresql://tasuki@db.example/tasuki\"";
    for (keys, key, rule) in [
        (String::new(), "store.url", "config-missing-key"),
        ("url = \"?\"".to_owned(), "store.url", "config-database"),
        (local.replace("tasuki@", "tasuki:secret@"), "store.url", "config-database"),
        (far.to_owned(), "store.url", "config-insecure-database"),
        (format!("{far}\nca = \"nowhere.pem\""), "store.ca", "config-unreadable"),
        (format!("{local}\npassword_file = \"nowhere\""), "store.password_file", "config-unreadable"),
        (format!("{local}\nconnections_max = 0"), "store.connections_max", "config-range"),
    ] {
        let text = example().replace("engine = \"sled\"", &format!("engine = \"postgres\"\n{keys}"));
        let problem = read(&text, folder.path()).unwrap_err();
        assert_eq!((problem.key.as_str(), problem.rule.id), (key, rule), "{keys}");
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }
    let text = example().replace("engine = \"sled\"", &format!("engine = \"postgres\"\n{far}\nca = \"client-ca.pem\""));
    let Store::Postgres(settings) = read(&text, folder.path()).unwrap().store else { panic!("not PostgreSQL") };
    assert!(settings.authorities.is_some());
}

#[test]
fn every_mistake_has_its_sentence() {
    let folder = folder();
    let good = full();
    let mut golden = String::new();
    for (from, to, key, rule) in MISTAKES {
        assert!(good.contains(from), "{from}");
        let text = good.replacen(from, to, 1);
        let problem = read(&text, folder.path()).map(|_| ()).expect_err(to);
        assert_eq!((problem.key.as_str(), problem.rule.id), (key, rule), "{from} -> {to}: {problem}");
        assert_eq!(problem.exit(), Exit::Config);
        let sentences = [problem.to_string(), problem.japanese()];
        for sentence in &sentences {
            assert!(sentence.contains("tasuki.toml") && sentence.contains(key), "{sentence}");
            assert!(!sentence.contains("{}") && !sentence.contains('\n'), "{sentence}");
        }
        let folder = format!("{}/", folder.path().display());
        let [english, japanese] = sentences.map(|sentence| sentence.replace(&folder, ""));
        golden += &format!("{english}\n{japanese}\n\n");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/config/sentences.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &golden).unwrap();
    }
    assert!(golden == fs::read_to_string(path).unwrap(), "run with UPDATE=1 and read the diff\n{golden}");
}

#[test]
fn heads_are_beside_the_chain_unless_it_is_said_where() {
    let folder = folder();
    let beside = folder.path().join("tasuki-data/audit");
    let audit = |text: &str| read(text, folder.path()).map(|config| config.audit);
    let named = audit(&full()).unwrap().unwrap();
    assert_eq!(named.key, folder.path().join("audit-head-key.pem"));
    assert_eq!(named.anchors, folder.path().join("heads.ndjson"));
    let none = audit(&example()).unwrap().unwrap();
    assert_eq!(
        (none.key, none.anchors.as_path()),
        (beside.join("head-key.pem"), beside.join("heads.ndjson").as_path())
    );
    let memory = "listen = \"127.0.0.1:0\"\nbase_url = \"http://x/fhir\"\n[store]\nengine = \"memory\"\n";
    assert_eq!(audit(memory), Ok(None));
    for (given, missing) in [("key = \"k\"", "audit.anchors"), ("anchors = \"a\"", "audit.key")] {
        let problem = audit(&format!("{memory}[audit]\n{given}\n")).unwrap_err();
        assert_eq!((problem.key.as_str(), problem.rule.id), (missing, "config-missing-key"));
    }
}

#[test]
fn a_folder_belongs_to_a_source() {
    let folder = folder();
    let config = read(&full(), folder.path()).unwrap();
    let followed = &config.folders[0];
    assert_eq!((followed.path.as_path(), followed.every_seconds), (Path::new("/mnt/ssmix2/0119999901"), 10));
    assert_eq!(followed.source, config.sources[0]);
    let beside = full().replace("\"/mnt/ssmix2/0119999901\"", "\"in\"");
    assert_eq!(read(&beside, folder.path()).unwrap().folders[0].path, folder.path().join("in"));
    let twice = format!("{}\n[[folder]]\npath = \"/mnt/ssmix2/0119999901\"\nfacility = \"0119999901\"\n", full());
    assert_eq!(read(&twice, folder.path()).unwrap_err().key, "folder.path");
}

/// A file that is broken while the gateway runs must not keep in whom somebody is taking away.
#[test]
fn a_file_of_a_client_that_cannot_be_used_lets_its_client_in_no_more() {
    let folder = folder();
    let write = |name: &str, text: &str| fs::write(folder.path().join("clients.d").join(name), text).unwrap();
    let client = |id: &str, token: &str| {
        let token = Digest::of(token.as_bytes()).hex();
        format!("id = \"{id}\"\norganization = \"Organization/x\"\nrole = \"care\"\ntoken_sha256 = \"{token}\"\n")
    };
    write("one.toml", &client("one", "1"));
    write("two.toml", &client("two", "2"));
    write("readme.txt", "not a client");
    let config = read(&full(), folder.path()).unwrap();
    let taken = config.client_folder.unwrap();
    let ids = || {
        let (clients, problems) = taken.load();
        let ids: Vec<String> = clients.iter().map(|client| client.caller.client.clone()).collect();
        (ids[4..].join(" "), problems.iter().map(|problem| problem.rule.id).collect::<Vec<_>>().join(" "))
    };
    let so = |ids: &str, problems: &str| (ids.to_owned(), problems.to_owned());
    assert_eq!(ids(), so("one two", ""));
    let before = taken.stamp();
    write("one.toml", "id = \"one");
    assert_ne!(taken.stamp(), before);
    assert_eq!(ids(), so("two", "config-syntax"));
    assert!(read(&full(), folder.path()).is_err(), "nor does a gateway start with it");
    for (text, rule) in [
        (client("two", "3"), "config-client-twice"),
        (client("three", "2"), "config-client-twice"),
        (client("office", "3"), "config-client-twice"),
        (client("three", "office"), "config-client-twice"),
        (client("three", "3") + "scope = \"x\"", "config-unknown-key"),
        (client("three", "3").replace("Organization/x", "x"), "config-organization"),
    ] {
        write("one.toml", "");
        write("zzz.toml", &text);
        fs::remove_file(folder.path().join("clients.d/one.toml")).unwrap();
        assert_eq!(ids(), so("two", rule), "{text}");
    }
    fs::remove_file(folder.path().join("clients.d/zzz.toml")).unwrap();
    fs::rename(folder.path().join("clients.d/two.toml"), folder.path().join("clients.d/two.revoked-1")).unwrap();
    assert_eq!(ids(), so("", ""));
}

#[test]
fn what_is_asked_of_senders_hangs_on_whether_there_are_guides() {
    let folder = folder();
    let without = read(&example(), folder.path()).unwrap();
    assert_eq!((without.sources[0].standard.policy, without.of_rest.policy), (Policy::Off, Policy::Off));
    let guide = format!("{}\n[[guide]]\npackage = \"jp-core.r4-1.2.0.tgz\"\n", example());
    let with = read(&guide, folder.path()).unwrap();
    let expected = Standard { policy: Policy::Report, is_for_mapped: false, profiles: Vec::new() };
    assert_eq!((&with.sources[0].standard, with.of_rest.policy), (&expected, Policy::Off));
    for (word, policy) in [("off", Policy::Off), ("hold", Policy::Hold), ("refuse", Policy::Refuse)] {
        let said = full().replace("validation = \"report\"", &format!("validation = \"{word}\""));
        let standard = &read(&said, folder.path()).unwrap().sources[0].standard;
        assert_eq!((standard.policy, standard.profiles.len()), (policy, 1), "{word}");
    }
}

#[test]
fn guides_are_read_and_each_is_named_once() {
    let folder = folder();
    let config = read(&full(), folder.path()).unwrap();
    let named: Vec<_> = config.guides.packages().iter().map(|one| format!("{} {}", one.name, one.version)).collect();
    assert_eq!(named, ["example.guide 1.2.0"]);
    let again = |name: &str, version: &str| {
        fs::write(folder.path().join("again.tgz"), guide::package(name, version, &[])).unwrap();
        read(&format!("{}\n[[guide]]\npackage = \"again.tgz\"\n", full()), folder.path())
    };
    assert_eq!(again("example.guide", "1.1.2").unwrap().guides.packages().len(), 2);
    let problem = again("example.guide", "1.2.0").unwrap_err();
    let first = 1 + full().lines().position(|line| line.starts_with("package = ")).unwrap();
    assert_eq!(
        (problem.key.as_str(), problem.rule.id, problem.detail),
        ("guide.package", "config-twice", first.to_string())
    );
    for (bytes, rule) in [(&guide::package("a", "1", &[])[..40], "guide-not-whole"), (&gzip(b"x", 1), "guide-not-tar")]
    {
        fs::write(folder.path().join("again.tgz"), bytes).unwrap();
        let text = format!("{}\n[[guide]]\npackage = \"again.tgz\"\n", full());
        let problem = read(&text, folder.path()).unwrap_err();
        assert_eq!((problem.rule.id, problem.line), (rule, Some(text.lines().count())));
    }
}

#[test]
fn tables_of_label_rules_are_read_and_what_is_wrong_has_its_place() {
    let folder = folder();
    let config = read(&full(), folder.path()).unwrap();
    let shipped = config.label_rules.len();
    assert!(shipped > 100);
    let own = |table: &str| {
        fs::write(folder.path().join("own.json"), table).unwrap();
        read(&full().replacen("[\"shipped\"]", "[\"shipped\", \"own.json\"]", 1), folder.path())
    };
    let rule = |label: &str| {
        format!(
            r#"{{"tasuki": "label-rules-1", "rules": [{{"label": "{label}", "systems": ["urn:oid:1.2"], "codes": ["a"]}}]}}"#
        )
    };
    assert_eq!(own(&rule("pending")).unwrap().label_rules.len(), shipped + 1);
    let problem = own(&rule("SECRET")).unwrap_err();
    assert_eq!((problem.key.as_str(), problem.rule.id, problem.line), ("rules[0].label", "labels-label", None));
    for sentence in [problem.to_string(), problem.japanese()] {
        assert!(sentence.contains("own.json") && sentence.contains("SECRET"), "{sentence}");
    }
    let problem = own("{\n\"tasuki\": 1}").unwrap_err();
    assert_eq!((problem.rule.id, problem.line), ("labels-table", Some(2)));
}

#[test]
fn what_is_twice_names_the_first_line() {
    let folder = folder();
    let office = Digest::of(b"office").hex();
    let text = example().replace(&office, &Digest::of(b"agency-a-app").hex().to_uppercase());
    let problem = read(&text, folder.path()).unwrap_err();
    let first = 1 + text.lines().position(|line| line.contains(&Digest::of(b"agency-a-app").hex())).unwrap();
    assert_eq!((problem.key.as_str(), problem.detail), ("client.token_sha256", first.to_string()));
    let twice = format!(
        "{}\n[[source]]\nfacility = \"0119999901\"\nname = \"b\"\norganization = \"Organization/b\"",
        example()
    );
    assert_eq!(read(&twice, folder.path()).unwrap_err().key, "source.facility");
}

#[test]
fn a_token_in_the_clear_is_refused_and_not_repeated() {
    let folder = folder();
    let text = example().replace(&Digest::of(b"office").hex(), "my-secret-token");
    let problem = read(&text, folder.path()).unwrap_err();
    assert_eq!(problem.rule.id, "config-sha256");
    assert!(!problem.to_string().contains("my-secret-token") && !problem.japanese().contains("my-secret-token"));
}

#[test]
fn plain_http_towards_the_network_must_be_spelled_out() {
    let folder = folder();
    let open = example().replace("127.0.0.1:8080\"\n", "0.0.0.0:8080\"\n");
    assert_eq!(read(&open, folder.path()).unwrap_err().rule.id, "config-insecure");
    assert!(read(&open.replace("insecure_listen = false", "insecure_listen = true"), folder.path()).is_ok());
    assert!(read(&full().replace("127.0.0.1:8080\"\n", "[::]:8443\"\n"), folder.path()).is_ok());
}

#[test]
fn plain_mllp_towards_the_network_must_be_spelled_out() {
    let folder = folder();
    let with = |listen: &str, tls: &str, plain: &str| {
        let text = full().replace("127.0.0.1:2575", listen).replace("\ntls = true", &format!("\ntls = {tls}"));
        read(&text.replace("allow_plain = false", &format!("allow_plain = {plain}")), folder.path())
    };
    let tls = |config: Config| config.mllp[0].tls.is_some();
    assert!(tls(with("0.0.0.0:2575", "true", "false").unwrap()));
    assert!(!tls(with("127.0.0.1:2575", "false", "false").unwrap()));
    let problem = with("0.0.0.0:2575", "false", "false").unwrap_err();
    assert_eq!((problem.key.as_str(), problem.rule.id), ("mllp.listen", "config-insecure-mllp"));
    assert!(!problem.to_string().contains("{}") && problem.japanese().contains("0.0.0.0:2575"));
    assert!(!tls(with("0.0.0.0:2575", "false", "true").unwrap()));
    // Where there is no [tls] there is none to be had, and where there is one it is the default.
    let facility = "facilities = [\"0119999901\"]";
    let written = |more: &str| format!("{}\n[[mllp]]\nlisten = \"127.0.0.1:2575\"\n{facility}\n{more}", example());
    assert!(!tls(read(&written(""), folder.path()).unwrap()));
    assert_eq!(read(&written("tls = true"), folder.path()).unwrap_err().rule.id, "config-no-tls");
    assert!(tls(read(&full().replace("\ntls = true", "\n"), folder.path()).unwrap()));
}

#[test]
fn a_missing_file_says_where_to_start() {
    let folder = folder();
    let problem = Config::load(&folder.path().join("tasuki.toml")).unwrap_err();
    assert!(problem.to_string().contains("examples/tasuki.toml"));
    fs::write(folder.path().join("tasuki.toml"), example()).unwrap();
    assert!(Config::load(&folder.path().join("tasuki.toml")).is_ok());
}
