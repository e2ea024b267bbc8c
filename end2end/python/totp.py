"""An authenticator app: pyotp (RFC 6238), fed with the secret that a page shows.

{"secret": "GEZD…", "at": 1111111109} -> {"code": "081804"}
"""

import pyotp
from lines import answer

answer(lambda ask: {"code": pyotp.TOTP(ask["secret"]).at(ask["at"])})
