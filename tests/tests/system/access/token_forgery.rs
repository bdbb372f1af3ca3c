//! An attacker who has the system's signing key and signs arbitrary tokens with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use ed25519_dalek::{Signer as _, SigningKey};
use fintrac_tests::system::{DATA_KEYS, System};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kit_core::keyring::KeyRing;
use serde_json::{Value, json};
use sha2::Sha256;

/// The system's newest key, and the claims of a valid token.
pub struct Forger {
    key: SigningKey,
    pub kid: String,
    pub claims: Value,
    /// A valid token of the system.
    pub good: String,
}

impl Forger {
    /// Reads the signing key of a system of five processes with a known key ring.
    pub async fn new(system: &System, good: &str) -> Self {
        let mut connection = system.connect().await;
        let sql = "select kid, private_key from auth.signing_keys order by active_from desc limit 1";
        let (kid, encrypted): (String, String) =
            sqlx::query_as(sql).fetch_one(&mut connection).await.expect("a key");
        let ring = KeyRing::parse(DATA_KEYS).expect("a ring");
        let der = ring.decrypt(&format!("signing_keys/{kid}"), &encrypted).expect("the key is decrypted");
        let key = SigningKey::from_pkcs8_der(&der).expect("PKCS 8");
        let claims = BASE64.decode(good.split('.').nth(1).expect("claims")).expect("base64url");
        let claims = serde_json::from_slice(&claims).expect("JSON");
        Self { key, kid, claims, good: good.to_owned() }
    }

    pub fn header(&self) -> Value {
        json!({"alg": "EdDSA", "typ": "at+jwt", "kid": self.kid})
    }

    /// Signs any header and claims with the system's key.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        let signature = self.key.sign(message.as_bytes());
        format!("{message}.{}", BASE64.encode(signature.to_bytes()))
    }

    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// The valid claims with one field replaced, or removed if `value` is null.
    pub fn with_claim(&self, name: &str, value: Value) -> String {
        self.sign(&self.header(), &changed(&self.claims, name, value))
    }

    pub fn with_header(&self, name: &str, value: Value) -> String {
        self.sign(&changed(&self.header(), name, value), &self.claims)
    }

    /// The valid claims under HS256 with a secret of the attacker.
    fn hs256(&self, header: &Value, secret: &[u8]) -> String {
        let message =
            format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(self.claims.to_string()));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length");
        mac.update(message.as_bytes());
        format!("{message}.{}", BASE64.encode(mac.finalize().into_bytes()))
    }

    /// A valid token that has expired.
    pub fn expired(&self) -> String {
        let mut claims = changed(&self.claims, "exp", json!(1_700_000_900));
        claims["iat"] = json!(1_700_000_000);
        self.sign(&self.header(), &claims)
    }

    /// All forged tokens, with their names.
    pub fn forgeries(&self) -> Vec<(String, String)> {
        let parts = [self.broken(), self.other_algorithms(), self.other_headers(), self.other_claims()];
        parts.into_iter().flatten().collect()
    }

    fn broken(&self) -> Vec<(String, String)> {
        let parts: Vec<_> = self.good.split('.').collect();
        let [head, body, signature] = parts.as_slice() else { panic!("three parts") };
        let mut forged: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, token: String| forged.push((name.to_owned(), token));
        add("nothing", String::new());
        add("a word", "abc".into());
        add("two dots", "..".into());
        add("no signature", format!("{head}.{body}."));
        add("two parts", format!("{head}.{body}"));
        add("four parts", format!("{}.{signature}", self.good));
        add("truncated", self.good[..self.good.len() - 7].to_owned());
        add("truncated in the claims", format!("{head}.{}.{signature}", &body[..body.len() - 4]));
        add("padded", format!("{head}.{body}.{signature}=="));
        add("an empty signature of the right length", format!("{head}.{body}.{}", BASE64.encode([0; 64])));
        add("huge", format!("{}{}", self.good, "A".repeat(60_000)));
        add("a claim changed without a key", {
            let claims = changed(&self.claims, "roles", json!(["admin"]));
            format!("{head}.{}.{signature}", BASE64.encode(claims.to_string()))
        });
        add("another key", {
            let message = format!("{head}.{body}");
            let other = SigningKey::from_bytes(&[7; 32]).sign(message.as_bytes());
            format!("{message}.{}", BASE64.encode(other.to_bytes()))
        });
        forged
    }

    fn other_algorithms(&self) -> Vec<(String, String)> {
        let parts: Vec<_> = self.good.split('.').collect();
        let [_, body, signature] = parts.as_slice() else { panic!("three parts") };
        let mut forged: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, token: String| forged.push((name.to_owned(), token));
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            let header = changed(&self.header(), "alg", json!(alg));
            add(
                &format!("alg {alg:?} without a signature"),
                format!("{}.{body}.", BASE64.encode(header.to_string())),
            );
            add(
                &format!("alg {alg:?} with the old signature"),
                format!("{}.{body}.{signature}", BASE64.encode(header.to_string())),
            );
        }
        for alg in ["HS384", "RS256", "ES256", "PS256", "eddsa", "Ed25519"] {
            add(&format!("alg {alg}"), self.with_header("alg", json!(alg)));
        }
        add("alg a number", self.with_header("alg", json!(1)));
        add("no alg", self.with_header("alg", Value::Null));
        forged
    }

    fn other_headers(&self) -> Vec<(String, String)> {
        let mut forged: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, token: String| forged.push((name.to_owned(), token));
        let public = self.key.verifying_key().to_bytes();
        let hs256 = changed(&self.header(), "alg", json!("HS256"));
        for (name, secret) in [
            ("the public key's bytes", public.to_vec()),
            ("the public key in base64url", BASE64.encode(public).into_bytes()),
            ("the key's id", self.kid.clone().into_bytes()),
            ("nothing", Vec::new()),
        ] {
            add(&format!("HS256 with {name}"), self.hs256(&hs256, &secret));
            add(
                &format!("HS256 without kid, with {name}"),
                self.hs256(&changed(&hs256, "kid", Value::Null), &secret),
            );
        }
        for typ in ["JWT", "jwt", "AT+JWT", "at+jwt ", "refresh", "secevent+jwt"] {
            add(&format!("typ {typ:?}"), self.with_header("typ", json!(typ)));
        }
        add("no typ", self.with_header("typ", Value::Null));
        for kid in ["", "unknown", "../../../etc/passwd", "/dev/null", "' or 1=1 --", "k\u{0}1"] {
            add(&format!("kid {kid:?}"), self.with_header("kid", json!(kid)));
        }
        add("no kid", self.with_header("kid", Value::Null));
        add("kid a list", self.with_header("kid", json!([self.kid])));
        for (name, value) in [
            ("crit", json!(["exp"])),
            ("crit", json!(["b64"])),
            ("b64", json!(false)),
            ("jku", json!("https://evil.example/jwks.json")),
            ("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(public)})),
            ("x5u", json!("https://evil.example/cert")),
            ("x5c", json!(["AAAA"])),
            ("zip", json!("DEF")),
            ("cty", json!("JWT")),
        ] {
            add(&format!("{name} in the header"), self.with_header(name, value));
        }
        forged
    }

    fn other_claims(&self) -> Vec<(String, String)> {
        let now = self.claims["iat"].as_i64().expect("a timestamp");
        let mut forged: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, token: String| forged.push((name.to_owned(), token));
        for (name, value) in [
            ("iss", json!("https://evil.example")),
            ("iss", Value::Null),
            ("aud", json!("another-bank")),
            ("aud", json!(["fintrac", "another-bank"])),
            ("aud", Value::Null),
            ("sub", json!("unknown")),
            ("sub", json!("")),
            ("sub", Value::Null),
            ("sid", json!("none")),
            ("sid", Value::Null),
            ("hh", json!("*")),
            ("hh", Value::Null),
            ("roles", json!("admin")),
            ("roles", Value::Null),
            ("exp", json!(now - 1000)),
            ("exp", json!("never")),
            ("exp", Value::Null),
            ("exp", json!(1e300)),
            ("iat", json!(now + 3600)),
            ("iat", Value::Null),
            ("nbf", json!(now + 3600)),
            ("admin", json!(true)),
        ] {
            add(&format!("claim {name}"), self.with_claim(name, value));
        }
        add("the claim sub twice", {
            let text = self.claims.to_string();
            let twice =
                format!("{},\"sub\":\"00000000-0000-0000-0000-000000000000\"}}", &text[..text.len() - 1]);
            self.sign_text(&self.header().to_string(), &twice)
        });
        add("claims that are a list", self.sign_text(&self.header().to_string(), "[]"));
        add("claims that are no JSON", self.sign_text(&self.header().to_string(), "sub=me"));
        add("a header that is a list", self.sign_text("[]", &self.claims.to_string()));
        forged
    }
}

fn changed(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    let fields = object.as_object_mut().expect("an object");
    if value.is_null() {
        fields.remove(name);
    } else {
        fields.insert(name.to_owned(), value);
    }
    object
}
