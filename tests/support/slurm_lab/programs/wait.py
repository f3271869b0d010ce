"""With Ray on all nodes, wait to be ended."""

import os
import time

import ray

ray.init(address=os.environ["RAY_ADDRESS"], log_to_driver=False)
print("waiting", flush=True)
time.sleep(600)
