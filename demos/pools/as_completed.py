"""Two tasks: the second is done first, so its result is received first."""
import concurrent.futures
import multiprocessing
import sys

from lesson import end, fact, is_broken, say

context = multiprocessing.get_context("fork")
go = context.Event()


def work(waits):
    if waits:
        go.wait()


if __name__ == "__main__":
    slow = 1 if is_broken() else 0
    with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
        futures = [pool.submit(work, i == slow) for i in range(2)]
        order = []
        for future in concurrent.futures.as_completed(futures):
            order.append(futures.index(future))
            go.set()  # only now may the slow task continue
    say(f"submitted: task 0, task 1; completed: task {order[0]}, task {order[1]}")
    fact(order == [1, 0], "as completed: the result that is ready first is received first")
    sys.exit(end())
