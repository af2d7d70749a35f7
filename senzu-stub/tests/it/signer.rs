//! Whoever signs firmware.

use crate::world::World;
use minisign::KeyPair;
use reqwest::{Method, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{fs, io::Cursor};

/// A pair of keys.
pub struct Signer(KeyPair);

impl Signer {
    pub fn new() -> Self {
        Self(KeyPair::generate_unencrypted_keypair().unwrap())
    }

    /// Whom Senzu trusts.
    pub fn trusted_by(world: &World) -> Self {
        let signer = Self::new();
        fs::write(world.data().join("firmware.pub"), signer.0.pk.to_box().unwrap().to_string()).unwrap();
        signer
    }

    pub fn sign(&self, image: &[u8]) -> String {
        minisign::sign(Some(&self.0.pk), &self.0.sk, Cursor::new(image), None, None).unwrap().to_string()
    }

    /// As minisign writes it in its keys' first lines.
    #[allow(dead_code, reason = "not every test target asks for it")]
    pub fn name(&self) -> String {
        self.0.pk.to_box().unwrap().to_string().lines().next().unwrap().rsplit(' ').next().unwrap().to_owned()
    }

    /// What Senzu is told of an image.
    pub fn ask(&self, image: &[u8]) -> Value {
        self.ask_for(image, "bios", "2.2.0")
    }

    fn ask_for(&self, image: &[u8], component: &str, version: &str) -> Value {
        json!({
            "sha256": sha256(image), "size_bytes": image.len(), "vendor": "PIOUS", "model": "Lab Server",
            "component": component, "version": version, "signature": self.sign(image),
        })
    }

    /// Announces some image of this version, and brings it.
    #[allow(dead_code, reason = "not every test target asks for it")]
    pub async fn imports(&self, world: &World, component: &str, version: &str) {
        self.imports_of(world, component, version, 0).await;
    }

    /// The same, of so many bytes more.
    #[allow(dead_code, reason = "not every test target asks for it")]
    pub async fn imports_of(&self, world: &World, component: &str, version: &str, more: usize) {
        let image = format!("{component} {version}\n{}", "x".repeat(more)).into_bytes();
        let announced = world.post("/v1/artifacts", self.ask_for(&image, component, version)).await;
        assert_eq!(announced.status(), 200, "{:?}", announced.text().await);
        let path = format!("/v1/artifacts/{}/image", sha256(&image));
        let request = world.request(Method::PUT, &path).bearer_auth(world.operator_token());
        let brought =
            request.header(header::CONTENT_TYPE, "application/octet-stream").body(image).send().await.unwrap();
        assert_eq!(brought.status(), 204, "{:?}", brought.text().await);
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|octet| format!("{octet:02x}")).collect()
}
