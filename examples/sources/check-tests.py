# Runs the tests in test_answer.py against subject.py and against every mutant in mutants/. It succeeds when they
# pass on the first and fail on each of the others. Each run is a process of its own; a run counts only when it
# reports with a number that was drawn for it, so that leaving early is no way to pass.
import os
import secrets
import subprocess
import sys
import tempfile

RUN = """
import sys
token = sys.argv.pop()
sys.path.insert(0, ".")
failed = count = 0
try:
    import test_answer
except Exception as error:
    print(error)
    failed += 1
else:
    for name, test in sorted(vars(test_answer).items()):
        if name.startswith("test_") and callable(test):
            count += 1
            try:
                test()
            except Exception as error:
                print(name, repr(error))
                failed += 1
print(token, "failed" if failed else "passed" if count else "empty")
"""


def outcome(implementation):
    token = secrets.token_hex(8)
    with tempfile.TemporaryDirectory() as folder:
        for source, name in ((implementation, "subject.py"), ("test_answer.py", "test_answer.py")):
            with open(source) as text, open(os.path.join(folder, name), "w") as copy:
                copy.write(text.read())
        done = subprocess.run([sys.executable, "-c", RUN, token], cwd=folder, capture_output=True, text=True, timeout=20)
    sys.stdout.write(done.stdout[-2000:] + done.stderr[-2000:])
    last = done.stdout.strip().splitlines()[-1:]
    return last[0].split()[1] if last and last[0].startswith(token + " ") else "no report"


right = outcome("subject.py")
if right != "passed":
    sys.exit("the tests do not pass on the right implementation: " + right)
for mutant in sorted(os.listdir("mutants")):
    found = outcome(os.path.join("mutants", mutant))
    if found != "failed":
        sys.exit(mutant + " is wrong, and the tests do not notice it: " + found)
print("the tests tell right from wrong")
