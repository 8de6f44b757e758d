"""What went wrong, for a person."""


def explain(e):
    """One line for a person: the error and the line of the tests it came from."""
    line = None
    tb = e.__traceback__
    while tb is not None:
        if tb.tb_frame.f_code.co_filename == "<tests>":
            line = tb.tb_lineno
        tb = tb.tb_next
    try:
        text = f"{type(e).__name__}: {e}"
    except BaseException:
        text = "an error that cannot be shown"
    return {"message": text[:500], "line": line}
