"""The few hot loops: numba and BLAS on plain arrays, no ideas of the house.

Kernels on a path that serves run in one thread and release the GIL (`nogil=True`): numba's parallel regions must
not be entered from several threads at once. Kernels that fit may be parallel, with BLAS held to one thread inside.
"""
