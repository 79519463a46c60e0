"""What the public headers and the symbol maps say, read from their text."""

import glob
import os
import re

API = re.compile(r"\bABSA_API\b[^;{]*?\b(absa_\w+)\s*\(")


def headers(source):
    """Return the public headers, sorted."""
    return sorted(glob.glob(os.path.join(source, "include", "absa", "*.h")))


def strip(text):
    """Return C text without comments and preprocessor lines."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)
    text = re.sub(r"//[^\n]*", " ", text)
    return re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.MULTILINE)


def functions(source):
    """Return the names of all functions that the public headers export."""
    found = []
    for header in headers(source):
        with open(header, encoding="utf-8") as text:
            found += API.findall(strip(text.read()))
    return sorted(found)


def mapped(path):
    """Return the names in the global section of a symbol map, in order."""
    with open(path, encoding="utf-8") as text:
        body = re.search(r"global:(.*?)local:", text.read(), re.DOTALL).group(1)
    return re.findall(r"(\w+)\s*;", body)
