"""A stranger's script: the installed library through ctypes. Usage: user.py LIBRARY VERSION"""

import ctypes
import sys

lib = ctypes.CDLL(sys.argv[1])
lib.absa_version_string.restype = ctypes.c_char_p
lib.absa_context_create.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]
lib.absa_context_destroy.argtypes = [ctypes.POINTER(ctypes.c_void_p)]
assert lib.absa_version_string().decode() == sys.argv[2], lib.absa_version_string()
context = ctypes.c_void_p()
assert lib.absa_context_create(None, ctypes.byref(context)) == 0 and context
lib.absa_context_destroy(ctypes.byref(context))
assert not context
