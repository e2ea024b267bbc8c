//! An authenticator, as far as the server can tell: one key on P-256, attestation «none».

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::kit::PUBLIC_URL;

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const HAS_KEY: u8 = 0x40;

pub struct Authenticator {
    pair: EcdsaKeyPair,
    id: Vec<u8>,
    /// What it says whose key it is.
    pub handle: Option<String>,
    /// How often it has signed.
    pub counter: u32,
    /// Whether it has looked at a finger, a face or a PIN.
    pub verifies: bool,
    /// Whether its page stands in somebody else's.
    pub is_framed: bool,
}

impl Authenticator {
    pub fn new() -> Self {
        let chance = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &chance).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &chance);
        let pair = pair.expect("its own key");
        let id = Sha256::digest(pair.public_key().as_ref()).to_vec();
        Self { pair, id, handle: None, counter: 0, verifies: true, is_framed: false }
    }

    pub fn id_text(&self) -> String {
        text(&self.id)
    }

    fn client_data(&self, kind: &str, options: &Value, origin: &str) -> Vec<u8> {
        let said = json!({
            "type": kind, "challenge": options["challenge"], "origin": origin, "crossOrigin": self.is_framed,
        });
        said.to_string().into_bytes()
    }

    /// What an authenticator says of itself: for which host, how it asked, how often it has signed.
    fn data(&self, more: u8) -> Vec<u8> {
        let host = PUBLIC_URL.strip_prefix("https://").expect("https");
        let mut data = Sha256::digest(host).to_vec();
        let verified = if self.verifies { VERIFIED } else { 0 };
        data.push(PRESENT | verified | more);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// The answer of `navigator.credentials.create`.
    pub fn make(&mut self, options: &Value, origin: &str) -> String {
        self.handle = options["user"]["id"].as_str().map(str::to_owned);
        let mut data = self.data(HAS_KEY);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).expect("short").to_be_bytes());
        data.extend(&self.id);
        // COSE (RFC 9053): kty EC2, alg ES256, crv P-256, x, y.
        let point = self.pair.public_key().as_ref();
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        // CBOR: {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).expect("short"));
        object.extend(&data);
        let response = json!({
            "clientDataJSON": text(&self.client_data("webauthn.create", options, origin)),
            "attestationObject": text(&object),
            "transports": ["internal"],
        });
        self.answer(&response)
    }

    /// The answer of `navigator.credentials.get`.
    pub fn sign(&mut self, options: &Value, origin: &str) -> String {
        self.counter += 1;
        let (said, data) = (self.client_data("webauthn.get", options, origin), self.data(0));
        let signed = [data.clone(), Sha256::digest(&said).to_vec()].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).expect("signs");
        let response = json!({
            "clientDataJSON": text(&said),
            "authenticatorData": text(&data),
            "signature": text(signature.as_ref()),
            "userHandle": self.handle,
        });
        self.answer(&response)
    }

    fn answer(&self, response: &Value) -> String {
        let id = self.id_text();
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {} })
            .to_string()
    }
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
