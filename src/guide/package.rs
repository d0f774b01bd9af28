//! One FHIR package (the FHIR NPM package specification): a `.tgz` whose folder `package` holds `package.json` and one resource
//! a file.

use serde::Deserialize;

use super::canonical::CanonicalResource;
use super::tar::entries;
use crate::fault::{Issue, Place, rules};
use crate::fhir::ResourceType;
use crate::gzip::{Wrong, gunzip};

/// Longest package, as it lies on disk.
pub const PACKED_BYTES_MAX: u64 = 64 << 20;
/// Most bytes of a package when it is unpacked; hl7.fhir.r4.core has 33 MB.
pub const UNPACKED_BYTES_MAX: usize = 256 << 20;
/// Most files of a package; hl7.fhir.r4.core has 4,600.
pub const FILES_MAX: usize = 20_000;

rules! {
    NOT_GZIP "guide-not-whole" Fatal Structure
        "this is no FHIR package, or it is damaged; name a .tgz file as the guide's publisher gives it."
        "FHIRパッケージでないか、壊れています。ガイドの配布元が公開している .tgz ファイルを指定してください。"
    TOO_LARGE "guide-too-large" Fatal TooCostly
        "this FHIR package is larger than {}; no guide is."
        "このFHIRパッケージは上限({})を超えているため、使用できません。"
    NOT_TAR "guide-not-tar" Fatal Structure
        "the tar file in this FHIR package is damaged ({}); fetch it again from the guide's publisher."
        "FHIRパッケージ内のtarファイルが壊れています（{}）。ガイドの配布元から取得し直してください。"
    NO_MANIFEST "guide-no-manifest" Fatal Required
        "this FHIR package has no package/package.json that states name and version; name one as the guide's publisher gives it."
        "FHIRパッケージに、nameとversionを記載した package/package.json がありません。ガイドの配布元が公開しているものを指定してください。"
    NOT_JSON "guide-not-json" Fatal Structure
        "the file {} of this FHIR package is no JSON; fetch it again from the guide's publisher."
        "FHIRパッケージ内のファイル {} をJSONとして読めません。ガイドの配布元から取得し直してください。"
    OTHER_VERSION "guide-other-version" Fatal NotSupported
        "this FHIR package is for FHIR {}, and the gateway is for R4 (4.0.1); name the guide's package for R4."
        "このFHIRパッケージはFHIR {} 用です。ゲートウェイはR4(4.0.1)に対応しているため、R4用のパッケージを指定してください。"
}

/// A package as it was read: what it is, and the definitions that are kept of it.
#[derive(Clone, Debug)]
pub struct Package {
    /// `name` of `package.json`.
    pub name: Box<str>,
    /// `version` of `package.json`.
    pub version: Box<str>,
    /// `dependencies` of `package.json`, and `dependsOn` of its ImplementationGuide: name and version. Some guides state
    /// what they build on only there.
    pub dependencies: Vec<(Box<str>, Box<str>)>,
    /// Its definitions, in the order of the package.
    pub definitions: Vec<CanonicalResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    name: Option<String>,
    version: Option<String>,
    #[serde(default)]
    dependencies: serde_json::Map<String, serde_json::Value>,
    #[serde(default, alias = "fhir-version-list")]
    fhir_versions: Vec<String>,
}

/// What an ImplementationGuide builds on.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Guide {
    #[serde(default)]
    depends_on: Vec<DependsOn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DependsOn {
    package_id: Option<Box<str>>,
    version: Option<Box<str>>,
}

impl Package {
    /// Reads a package. Of its resources those of the wanted types that state a canonical URL are kept; the files below
    /// folders of `package`, examples among them, are not looked at. The issue says why nothing of it can be used.
    pub fn read(packed: &[u8], wanted: &[ResourceType]) -> Result<Package, Issue> {
        let refuse = |rule, detail: String| Issue::with(rule, Place::Whole, detail);
        if packed.len() as u64 > PACKED_BYTES_MAX {
            return Err(refuse(&TOO_LARGE, format!("{} MiB", PACKED_BYTES_MAX >> 20)));
        }
        let too_large = || refuse(&TOO_LARGE, format!("{} MiB", UNPACKED_BYTES_MAX >> 20));
        let unpacked = gunzip(packed, UNPACKED_BYTES_MAX).map_err(|wrong| match wrong {
            Wrong::TooLong => too_large(),
            Wrong::Broken => refuse(&NOT_GZIP, String::new()),
        })?;
        let (mut manifest, mut definitions, mut files) = (None, Vec::new(), 0);
        let mut builds_on: Vec<(Box<str>, Box<str>)> = Vec::new();
        for entry in entries(&unpacked) {
            let entry = entry.map_err(|damage| refuse(&NOT_TAR, damage.to_owned()))?;
            files += 1;
            if files > FILES_MAX {
                return Err(refuse(&TOO_LARGE, format!("{FILES_MAX} files")));
            }
            let path = entry.path.trim_start_matches("./");
            let Some(name) = path.strip_prefix("package/").filter(|name| !name.contains('/')) else { continue };
            let not_json = || refuse(&NOT_JSON, printable(name));
            match name {
                "package.json" => manifest = Some(serde_json::from_slice(entry.bytes).map_err(|_| not_json())?),
                name if name.starts_with('.') || !name.ends_with(".json") => {}
                name if name.starts_with("ImplementationGuide-") => {
                    let guide: Guide = serde_json::from_slice(entry.bytes).map_err(|_| not_json())?;
                    let stated = guide.depends_on.into_iter().map(|on| on.package_id.zip(on.version));
                    builds_on.extend(stated.flatten());
                }
                _ => definitions.extend(CanonicalResource::read(entry.bytes, wanted).map_err(|_| not_json())?),
            }
        }
        let manifest: Manifest = manifest.ok_or_else(|| refuse(&NO_MANIFEST, String::new()))?;
        let (Some(name), Some(version)) = (manifest.name, manifest.version) else {
            return Err(refuse(&NO_MANIFEST, String::new()));
        };
        if let Some(other) = manifest.fhir_versions.first()
            && !manifest.fhir_versions.iter().any(|version| version.starts_with("4.0"))
        {
            return Err(refuse(&OTHER_VERSION, printable(other)));
        }
        let version_of = |value: serde_json::Value| value.as_str().unwrap_or_default().into();
        let mut dependencies: Vec<(Box<str>, Box<str>)> =
            manifest.dependencies.into_iter().map(|(name, version)| (name.into(), version_of(version))).collect();
        builds_on.retain(|(name, _)| dependencies.iter().all(|(known, _)| known != name));
        dependencies.append(&mut builds_on);
        Ok(Package { name: name.into(), version: version.into(), dependencies, definitions })
    }
}

/// A name in a package, cut and cleaned, as a sentence may show it.
fn printable(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_graphic()).take(100).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tar::tests::tar;
    use super::*;
    use crate::gzip::gzip;

    const MANIFEST: &str = r#"{"name": "example.guide", "version": "1.0.0", "fhirVersions": ["4.0.1"],
        "dependencies": {"hl7.fhir.r4.core": "4.0.1"}}"#;

    /// A package of files of its folder `package`, with a manifest.
    pub(in crate::guide) fn package(files: &[(&str, &str)]) -> Vec<u8> {
        let paths: Vec<String> = files.iter().map(|(name, _)| format!("package/{name}")).collect();
        let mut entries: Vec<(u8, &str, &[u8])> = vec![(b'0', "package/package.json", MANIFEST.as_bytes())];
        entries.extend(paths.iter().zip(files).map(|(path, (_, text))| (b'0', path.as_str(), text.as_bytes())));
        gzip(&tar(&entries), 6)
    }

    fn read(bytes: &[u8]) -> Result<Package, &'static str> {
        Package::read(bytes, &[ResourceType::VALUE_SET]).map_err(|issue| issue.rule.id)
    }

    #[test]
    fn what_is_wanted_of_the_folder_package_is_kept() {
        let set = r#"{"resourceType":"ValueSet","url":"http://v.example","version":"2","status":"active"}"#;
        let read = read(&package(&[
            ("ValueSet-a.json", set),
            ("CodeSystem-a.json", r#"{"resourceType":"CodeSystem","url":"http://c.example"}"#),
            ("Patient-a.json", r#"{"resourceType":"Patient"}"#),
            ("ValueSet-b.json", r#"{"resourceType":"ValueSet"}"#),
            (
                "ImplementationGuide-g.json",
                r#"{"dependsOn":[{"packageId":"core","version":"1.1"},{"packageId":"hl7.fhir.r4.core","version":"4"},{}]}"#,
            ),
            ("example/ValueSet-c.json", r#"{"resourceType":"ValueSet","url":"http://c.example"}"#),
            (".index.json", "no JSON"),
            ("readme.txt", "no JSON"),
        ]))
        .unwrap();
        assert_eq!((&*read.name, &*read.version), ("example.guide", "1.0.0"));
        let wanted = [("hl7.fhir.r4.core".into(), "4.0.1".into()), ("core".into(), "1.1".into())];
        assert_eq!(read.dependencies, wanted);
        let [kept] = read.definitions.as_slice() else { panic!("{read:?}") };
        assert_eq!((&*kept.url, kept.version.as_deref()), ("http://v.example", Some("2")));
        assert_eq!(kept.json().unwrap()["status"], "active");
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let manifest = |text: &str| gzip(&tar(&[(b'0', "package/package.json", text.as_bytes())]), 1);
        let many = vec![("x.txt", ""); FILES_MAX];
        let large = vec![0; 1 + usize::try_from(PACKED_BYTES_MAX).unwrap()];
        let zeros = gzip(&vec![0; UNPACKED_BYTES_MAX + 1], 1);
        for (bytes, rule) in [
            (Vec::new(), "guide-not-whole"),
            (b"PK\x03\x04".to_vec(), "guide-not-whole"),
            (gzip(&[7; 100], 1), "guide-not-tar"),
            (gzip(&tar(&[]), 1), "guide-no-manifest"),
            (manifest("{}"), "guide-no-manifest"),
            (manifest("["), "guide-not-json"),
            (manifest(r#"{"name":"a","version":"1","fhirVersions":["5.0.0"]}"#), "guide-other-version"),
            (package(&[("x.json", "{")]), "guide-not-json"),
            (package(&many), "guide-too-large"),
            (zeros, "guide-too-large"),
            (large[1..].to_vec(), "guide-not-whole"),
            (large, "guide-too-large"),
        ] {
            assert_eq!(read(&bytes).map(|_| ()), Err(rule));
        }
        assert!(read(&package(&many[1..])).is_ok());
        assert!(read(&manifest(r#"{"name":"a","version":"1"}"#)).is_ok());
    }
}
