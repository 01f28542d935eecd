"""Before anything runs: cells, hours of audio, time, memory and disk of a recipe or of a suite of corpora."""

from harness.forecast._forecast import forecast
from harness.forecast._lines import Forecast, Line, Size
from harness.forecast._suite import read_suite
from harness.forecast._suite_forecast import SuiteForecast, suite_forecast
from harness.forecast._suite_request import SuiteRequest, request_of
from harness.forecast._suite_text import suite_text
from harness.forecast._text import text_of

__all__ = [
    "Forecast",
    "Line",
    "Size",
    "SuiteForecast",
    "SuiteRequest",
    "forecast",
    "read_suite",
    "request_of",
    "suite_forecast",
    "suite_text",
    "text_of",
]
