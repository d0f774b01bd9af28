#!/bin/sh
# A hospital's program: hands in what its systems have exported, and says what became of it. curl and openssl, nothing else.
#
#   push.sh FILE...      HL7 v2 and SS-MIX2 files, CDA, JP-CLINS Bundles (JSON, XML), CSV, zip files: POST /intake knows each
#
# BASE, CLIENT, KID and KEY say which gateway and who; without them it is the demonstration's hospital. It exits with 1 when
# something was not taken: that file is sent again later (the same file twice changes nothing).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
base=${BASE:-http://127.0.0.1:8080/fhir}
client=${CLIENT:-hospital-program}
kid=${KID:-hospital-1}
key=${KEY:-$here/../../data/keys/hospital.pem}

coded() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
# A member of flat JSON; enough for what is read here.
member() { tr -d '\n' | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }

endpoint=$(curl -fsS "$base/.well-known/smart-configuration" | member token_endpoint)

# An access token for a signed assertion (SMART Backend Services); it is good for five minutes.
authorize() {
    now=$(date +%s)
    header=$(printf '{"alg":"RS384","kid":"%s","typ":"JWT"}' "$kid" | coded)
    claims=$(printf '{"iss":"%s","sub":"%s","aud":"%s","exp":%s,"iat":%s,"jti":"%s"}' \
        "$client" "$client" "$endpoint" "$((now + 240))" "$now" "$(openssl rand -hex 16)" | coded)
    signature=$(printf %s "$header.$claims" | openssl dgst -sha384 -sign "$key" -binary | coded)
    # The token and the assertion are on no command line, where other users of the machine could read them.
    token=$(printf 'grant_type=client_credentials&scope=system%%2FBundle.c&client_assertion_type=%s&client_assertion=%s' \
        urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer "$header.$claims.$signature" |
        curl -fsS --data @- "$endpoint" | member access_token)
    until=$((now + 240))
}

# What became of one letter: a receipt at once, or, of a zip file, an address where it will be.
receipt() {
    printf 'header = "Authorization: Bearer %s"\n' "$token" | curl -sS --config - -D "$folder/head" -o "$folder/body" \
        -w '%{http_code}' "$@"
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
until=0 failed=0
for file in "$@"; do
    [ "$(date +%s)" -lt "$until" ] || authorize
    # An SS-MIX2 file name says what the file is.
    status=$(receipt --data-binary "@$file" -H "X-File-Name: $(basename "$file")" -H 'Content-Type: application/octet-stream' \
        "${base%/fhir}/intake")
    while [ "$status" = 202 ]; do
        sleep 1
        place=$(tr -d '\r' <"$folder/head" | sed -n 's/^[Ll]ocation: //p')
        [ -z "$place" ] || where=$place
        case $where in /*) where=$(printf %s "$base" | sed 's,\(https*://[^/]*\).*,\1,')$where ;; esac
        status=$(receipt "$where")
    done
    case $status in
    200) echo "$(basename "$file"): $(member outcome <"$folder/body") as letter $(member letter <"$folder/body" | cut -c1-12)" ;;
    *)
        echo "$(basename "$file"): $status $(cat "$folder/body")" >&2
        failed=1
        ;;
    esac
done
exit $failed
