"""Speed, measured: ``python -m tests.bench``. No test, except that it runs."""

import os

# before numpy and torch are imported: two threads on two shared cores can be 150 times slower
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
