"""Makes the provisioned token that the tests over one kind of tokens copy.

    HSMIAM_BIN=... HSMIAM_TEST_TOKENS=DIRECTORY [HSMIAM_TOKEN_KIND=...] make_template.py
"""

import os
import shutil

from tokens import make_template, template_directory

shutil.rmtree(template_directory(), ignore_errors=True)
make_template(os.environ["HSMIAM_BIN"], template_directory())
