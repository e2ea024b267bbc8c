"""Somebody else's reader of access tokens: PyJWT, with the keys that the installation publishes. And a forger.

{"read": "eyJ…", "jwks": {…}, "issuer": "http://…", "audience": "ringfort-api"} -> {"header": {…}, "claims": {…}}
{"forge": "none" | "hs256" | "stranger", "header": {…}, "claims": {…}, "jwks": {…}} -> {"token": "eyJ…"}

A token that is not good is answered by the name of PyJWT's error: {"error": "ExpiredSignatureError", "says": "…"}.
"""

import base64

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from lines import answer

REQUIRED = ["iss", "aud", "sub", "jti", "iat", "nbf", "exp"]


def read(ask):
    token, keys = ask["read"], jwt.PyJWKSet.from_dict(ask["jwks"])
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(
        token,
        keys[header["kid"]].key,
        algorithms=["EdDSA"],
        audience=ask["audience"],
        issuer=ask["issuer"],
        options={"require": REQUIRED},
    )
    return {"header": header, "claims": claims}


def forge(ask):
    """What attackers try: no signature, the public key as a shared secret, a key of their own under our key's name."""
    header = {name: value for name, value in ask["header"].items() if name != "alg"}
    if ask["forge"] == "none":
        algorithm, key = "none", None
    elif ask["forge"] == "hs256":
        algorithm, key = "HS256", base64.urlsafe_b64decode(ask["jwks"]["keys"][0]["x"] + "==")
    else:
        algorithm, key = "EdDSA", Ed25519PrivateKey.generate()
    return {"token": jwt.encode(ask["claims"], key, algorithm=algorithm, headers=header)}


answer(lambda ask: read(ask) if "read" in ask else forge(ask))
