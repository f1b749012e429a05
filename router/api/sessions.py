"""Who asks: coming in, going out, and seeing who one is."""

from router.api.call import Answer, Call
from router.api.desk import Desk
from router.api.models import LogInBody
from router.model.moments import moment

COOKIE = "sor_session"


async def me(desk: Desk, call: Call) -> Answer:
    """Who asks, and as what."""
    who = call.principal
    data = {
        "name": who.name,
        "person": who.person,
        "roles": sorted(who.effective),
        "entities": sorted(who.entities),
        "second_factor": who.second_factor,
        "csrf": call.shown.csrf,
        "mode": desk.mode,
        "deployment": desk.deployment,
    }
    return Answer(data=data)


async def log_in(desk: Desk, call: Call) -> Answer:
    """Come in with a password and, for the roles that need one, a code. The session is a cookie no script can read."""
    given = call.given(LogInBody)
    made = await desk.directory.log_in(given.name, given.password, given.code)
    until = moment(made.session.expires_ns)
    data = {"csrf": made.csrf, "until": until, "second_factor": made.session.second_factor}
    return Answer(data=data, status=201, headers={"Set-Cookie": f"{COOKIE}={made.text}"})


async def log_out(desk: Desk, call: Call) -> Answer:
    """The session is over, wherever its cookie is."""
    session = call.shown.session
    if session is not None:
        await desk.directory.log_out(session, call.principal.name)
    return Answer(data={}, headers={"Set-Cookie": f"{COOKIE}="})
