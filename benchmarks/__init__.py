"""What anybody can measure: `python -m benchmarks.NAME --help`.

Threads that wait sleep, as the command line of the project lets them; torch reads that when it is loaded.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
