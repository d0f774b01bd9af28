//! Each way in which a token of a person does not count, without its signature.

use super::*;

const NOW_MS: i64 = 1_795_230_000_999;
const NOW: i64 = NOW_MS / 1000;
const HEADER: &str = r#"{"alg":"RS256","kid":"k","typ":"at+jwt"}"#;

fn asked() -> Asked {
    Asked {
        issuer: "https://idp.example/care".into(),
        audience: "tasuki".into(),
        acr: vec!["mfa".into(), "mfa-hardware".into()],
        amr: Vec::new(),
        skew_seconds_max: 30,
        token_seconds_max: 3600,
        takes_plain_type: false,
    }
}

fn jwt(header: &str, claims: &str) -> String {
    [header, claims, "signature"].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

fn claims(more: &str) -> String {
    format!(r#"{{"iss":"https://idp.example/care","sub":"s","acr":"mfa",{more}}}"#)
}

fn times(times: &str) -> String {
    claims(&format!("\"aud\":\"tasuki\",{times}"))
}

fn judged(header: &str, claims: &str) -> Result<(), Wrong> {
    let text = jwt(header, claims);
    let token = PersonToken::read(&text, &asked())?;
    token.is_in_force(&asked(), NOW_MS)?;
    token.certificate()?;
    token.is_sure(&asked())
}

#[test]
fn times_are_whole_seconds_within_the_limit_and_the_skew() {
    let exp = |seconds: i64| judged(HEADER, &times(&format!("\"exp\":{},\"iat\":{NOW}", NOW + seconds)));
    assert_eq!([exp(-29), exp(3600), exp(3630)], [Ok(()); 3]);
    assert_eq!([exp(-30), exp(3631)], [Err(Wrong::Expired), Err(Wrong::TooLongLived)]);
    let other = |name: &str, seconds: i64| {
        let iat = if name == "iat" { String::new() } else { format!("\"iat\":{NOW},") };
        judged(HEADER, &times(&format!("{iat}\"exp\":{},\"{name}\":{}", NOW + 60, NOW + seconds)))
    };
    for name in ["nbf", "iat"] {
        assert_eq!([other(name, -9999), other(name, 30), other(name, 31)], [Ok(()), Ok(()), Err(Wrong::NotYet)]);
    }
    let huge = i64::MAX.to_string();
    assert_eq!(judged(HEADER, &times(&format!("\"iat\":1,\"exp\":{huge}"))), Err(Wrong::TooLongLived));
    assert_eq!(judged(HEADER, &times(&format!("\"iat\":1,\"exp\":-{huge}"))), Err(Wrong::Expired));
    for exp in ["\"1795230060\"", "1795230060.0", "1795230060.5", "1e99", "9223372036854775808", "null", "true", "[]"] {
        assert_eq!(judged(HEADER, &times(&format!("\"iat\":1,\"exp\":{exp}"))), Err(Wrong::Malformed), "{exp}");
    }
    assert_eq!(judged(HEADER, &times("\"iat\":1,\"exp\":1,\"exp\":1")), Err(Wrong::Malformed), "twice");
    assert_eq!(judged(HEADER, &times("\"iat\":1")), Err(Wrong::Malformed), "no exp");
    assert_eq!(judged(HEADER, &times("\"exp\":1")), Err(Wrong::Malformed), "no iat");
}

#[test]
fn headers_that_do_not_count() {
    let good = times(&format!("\"exp\":{},\"iat\":{NOW}", NOW + 60));
    for algorithm in ["RS256", "ES256", "PS256", "RS384", "ES384"] {
        assert_eq!(judged(&HEADER.replace("RS256", algorithm), &good), Ok(()), "{algorithm}");
    }
    for algorithm in ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "RS512", "PS512", "EdDSA", "rs256"] {
        assert_eq!(judged(&HEADER.replace("RS256", algorithm), &good), Err(Wrong::Algorithm), "{algorithm}");
    }
    for (header, expected) in [
        (r#"{"alg":"RS256","typ":"at+jwt"}"#, Wrong::NoKeyId),
        (r#"{"alg":"RS256","typ":"at+jwt","kid":""}"#, Wrong::NoKeyId),
        (r#"{"alg":"RS256","typ":"at+jwt","kid":1}"#, Wrong::Malformed),
        (r#"{"alg":"RS256","typ":"at+jwt","kid":"k","crit":["exp"]}"#, Wrong::Critical),
        (r#"{"alg":"RS256","kid":"k"}"#, Wrong::Type),
        (r#"{"alg":"RS256","kid":"k","typ":"JWT"}"#, Wrong::Type),
        (r#"{"alg":"RS256","kid":"k","typ":"dpop+jwt"}"#, Wrong::Type),
        (r#"{"alg":"RS256","alg":"none","kid":"k","typ":"at+jwt"}"#, Wrong::Malformed),
        (r#"{"alg":["RS256"],"kid":"k","typ":"at+jwt"}"#, Wrong::Malformed),
    ] {
        assert_eq!(judged(header, &good), Err(expected), "{header}");
    }
    let plain = jwt(r#"{"alg":"RS256","kid":"k","typ":"JWT"}"#, &good);
    assert!(PersonToken::read(&plain, &Asked { takes_plain_type: true, ..asked() }).is_ok());
    for text in ["", ".", "..", "a.b", "a.b.c.d", "eyJ.eyJ.x", "=.=.="] {
        assert!(PersonToken::read(text, &asked()).is_err(), "{text}");
    }
}

#[test]
fn claims_that_do_not_count() {
    let now = format!("\"exp\":{},\"iat\":{NOW}", NOW + 60);
    let good = times(&now);
    let other = |from: &str, to: &str| judged(HEADER, &good.replacen(from, to, 1));
    for issuer in ["https://idp.example/care/", "https://idp.example/Care", "https://idp.example", "", "tasuki"] {
        assert_eq!(other("https://idp.example/care", issuer), Err(Wrong::Issuer), "{issuer}");
    }
    for (audience, expected) in [
        (r#""tasuki""#, Ok(())),
        (r#"["other","tasuki"]"#, Ok(())),
        (r#""Tasuki""#, Err(Wrong::Audience)),
        (r#""tasuki other""#, Err(Wrong::Audience)),
        (r#"[]"#, Err(Wrong::Audience)),
        (r#"["other"]"#, Err(Wrong::Audience)),
        ("1", Err(Wrong::Malformed)),
        ("null", Err(Wrong::Malformed)),
        (r#"[["tasuki"]]"#, Err(Wrong::Malformed)),
    ] {
        assert_eq!(other(r#""aud":"tasuki""#, &format!("\"aud\":{audience}")), expected, "{audience}");
    }
    for (claim, expected) in [
        (r#""sub":"""#.to_owned(), Err(Wrong::Subject)),
        (format!(r#""sub":"{}""#, "s".repeat(SUBJECT_BYTES_MAX)), Ok(())),
        (format!(r#""sub":"{}""#, "s".repeat(SUBJECT_BYTES_MAX + 1)), Err(Wrong::Subject)),
        (r#""sub":1"#.to_owned(), Err(Wrong::Malformed)),
        (r#""sub":"s","sub":"t""#.to_owned(), Err(Wrong::Malformed)),
    ] {
        assert_eq!(other(r#""sub":"s""#, &claim), expected, "{claim}");
    }
    for (acr, expected) in [
        (r#""acr":"mfa-hardware""#, Ok(())),
        (r#""acr":"password""#, Err(Wrong::Assurance)),
        (r#""acr":"MFA""#, Err(Wrong::Assurance)),
        (r#""x":"mfa""#, Err(Wrong::Assurance)),
        (r#""acr":["mfa"]"#, Err(Wrong::Malformed)),
    ] {
        assert_eq!(other(r#""acr":"mfa""#, acr), expected, "{acr}");
    }
    for (bound, expected) in [
        (r#"{"x5t#S256":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#, Ok(())),
        (r#"{"x5t#S256":"AAAA"}"#, Err(Wrong::Binding)),
        (r#"{"jkt":"AAAA"}"#, Err(Wrong::Malformed)),
        ("{}", Err(Wrong::Malformed)),
    ] {
        assert_eq!(judged(HEADER, &times(&format!("{now},\"cnf\":{bound}"))), expected, "{bound}");
    }
}

#[test]
fn methods_are_all_there_and_the_person_is_nobody_else() {
    let now = format!("\"exp\":{},\"iat\":{NOW}", NOW + 60);
    let both = Asked { amr: vec!["pwd".into(), "otp".into()], ..asked() };
    for (amr, expected) in
        [(r#"["otp","pwd","x"]"#, Ok(())), (r#"["otp"]"#, Err(Wrong::Assurance)), ("[]", Err(Wrong::Assurance))]
    {
        let text = jwt(HEADER, &times(&format!("{now},\"amr\":{amr}")));
        assert_eq!(PersonToken::read(&text, &both).unwrap().is_sure(&both), expected, "{amr}");
    }
    for (stated, expected) in [
        ("Practitioner/p", true),
        ("https://gateway.example/fhir/Practitioner/p", true),
        ("Practitioner/q", false),
        ("p", false),
        ("XPractitioner/p", false),
    ] {
        let text = jwt(HEADER, &times(&format!("{now},\"fhirUser\":\"{stated}\"")));
        assert_eq!(PersonToken::read(&text, &asked()).unwrap().is_of("Practitioner/p"), expected, "{stated}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]
    #[test]
    fn whatever_comes_is_read_or_refused(header: String, claims: String, text in "[A-Za-z0-9_.=-]{0,64}") {
        let _ = PersonToken::read(&text, &asked());
        proptest::prop_assert!(PersonToken::read(&jwt(&header, &claims), &asked()).is_err());
        let _ = PersonToken::read(&jwt(HEADER, &claims), &asked());
    }
}
