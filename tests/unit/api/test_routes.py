import subprocess
import sys

from chalicelib.api.operations import Operation
from chalicelib.api.routes import ROUTES


def test_every_route_leads_to_an_operation_of_its_own():
    assert all(isinstance(route.operation, Operation) for route in ROUTES)
    assert len({route.name for route in ROUTES}) == len(ROUTES)


def test_the_index_of_routes_loads_none_of_their_rooms():
    rooms = {f"chalicelib.api.{route.name.partition('.')[0]}" for route in ROUTES}
    code = "import sys, chalicelib.api.routes; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert not rooms & set(loaded.split())
