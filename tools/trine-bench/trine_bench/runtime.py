# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The runtime library (include/trine/Runtime/trine.h) from Python."""

import ctypes

import numpy as np

_TYPES = {1: "f8", 2: "f4", 3: "f2", 5: "i1", 6: "i2", 7: "i4", 8: "i8", 9: "u1", 10: "u2", 11: "u4", 12: "u8", 13: "?"}
_NUMBERS = {np.dtype(name): number for number, name in _TYPES.items()}
_BF16 = 4  # NumPy has no such type: it travels as u16
_MAX_RANK = 8


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("bytes", ctypes.c_uint64),
        ("type", ctypes.c_int32),
        ("rank", ctypes.c_uint32),
        ("sizes", ctypes.c_int64 * _MAX_RANK),
    ]


class _PackageOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("verify_hashes", ctypes.c_uint32),
        ("table_tier", ctypes.c_int32),
        ("table_cache_bytes", ctypes.c_uint64),
        ("table_folder", ctypes.c_char_p),
    ]


class _SessionOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("threads", ctypes.c_uint32),
        ("device", ctypes.c_char_p),
        ("profile", ctypes.c_uint32),
    ]


class _TensorInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("type", ctypes.c_int32),
        ("name", ctypes.c_char_p),
        ("rank", ctypes.c_uint32),
        ("sizes", ctypes.POINTER(ctypes.c_int64)),
        ("symbols", ctypes.POINTER(ctypes.c_char_p)),
        ("relative_tolerance", ctypes.c_double),
    ]


class _PackageInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("format_major", ctypes.c_uint32),
        ("format_minor", ctypes.c_uint32),
        ("program_abi", ctypes.c_uint32),
        ("name", ctypes.c_char_p),
        ("producer", ctypes.c_char_p),
        ("target", ctypes.c_char_p),
        ("weights_bytes", ctypes.c_uint64),
        ("input_count", ctypes.c_uint32),
        ("output_count", ctypes.c_uint32),
        ("symbol_count", ctypes.c_uint32),
        ("kernel_count", ctypes.c_uint32),
    ]


class Session:
    """A package and one session on it."""

    def __init__(self, library, package, threads, table_tier=0, table_cache=256 << 20, table_folder=None):
        self._library = ctypes.CDLL(library)
        self._library.trine_status_message.restype = ctypes.c_char_p
        handle = ctypes.c_void_p()
        folder = str(table_folder).encode() if table_folder else None
        options = _PackageOptions(ctypes.sizeof(_PackageOptions), 0, table_tier, table_cache, folder)
        self._check(self._library.trine_package_open(package.encode(), ctypes.byref(options), ctypes.byref(handle)))
        self._package = handle
        self._session = ctypes.c_void_p()
        session = _SessionOptions(ctypes.sizeof(_SessionOptions), threads, None, 0)
        self._check(self._library.trine_session_create(handle, ctypes.byref(session), ctypes.byref(self._session)))
        self.tolerances = self._read_tolerances()

    def _check(self, status):
        if status != 0:
            raise RuntimeError(self._library.trine_status_message().decode())

    def _read_tolerances(self):
        info = _PackageInfo(ctypes.sizeof(_PackageInfo))
        self._check(self._library.trine_package_describe(self._package, ctypes.byref(info)))
        tolerances = {}
        for index in range(info.output_count):
            tensor = _TensorInfo(ctypes.sizeof(_TensorInfo))
            self._check(self._library.trine_package_output(self._package, index, ctypes.byref(tensor)))
            tolerances[tensor.name.decode()] = tensor.relative_tolerance
        return tolerances

    def bind(self, inputs):
        """Sets the inputs of the next runs: NumPy arrays by name."""
        self._arrays = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        self._inputs = (_Tensor * len(inputs))()
        for tensor, (name, array) in zip(self._inputs, self._arrays.items()):
            tensor.name = name.encode()
            tensor.data = array.ctypes.data
            tensor.bytes = array.nbytes
            tensor.type = _NUMBERS[array.dtype]
            tensor.rank = array.ndim
            tensor.sizes[: array.ndim] = array.shape

    def run(self):
        self._check(self._library.trine_session_run(self._session, self._inputs, len(self._inputs), None, 0))

    def outputs(self):
        """Outputs of the last run, copied."""
        results = {}
        for index, name in enumerate(self.tolerances):
            tensor = _Tensor()
            self._check(self._library.trine_session_output(self._session, index, ctypes.byref(tensor)))
            shape = tuple(tensor.sizes[: tensor.rank])
            kind = np.dtype("u2") if tensor.type == _BF16 else np.dtype(_TYPES[tensor.type])
            count = int(np.prod(shape))
            memory = (ctypes.c_char * (count * kind.itemsize)).from_address(tensor.data) if count else b""
            results[name] = np.frombuffer(memory, dtype=kind).reshape(shape).copy()
        return results
