"""What one match is like: at a glance, or in all its details."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from valo_ingest.game import events as happened
from valo_ingest.game.catalog import agent_name, armor_name
from valo_ingest.game.events import Event
from valo_ingest.game.seats import SEATS, Seat
from valo_ingest.game.state import GAME_END, Match, Player, RoundOutcome, Team, TeamTimeout, TechPause
from valo_ingest.live.activity import Activities, Activity
from valo_ingest.live.chronicle import RECENT, RoundPurses
from valo_ingest.live.clients import Auxiliary, Observer
from valo_ingest.live.facts import (
    AuxiliaryFacts,
    ClientFacts,
    ClientGlance,
    ClientState,
    ConnectionFacts,
    EventFacts,
    Glance,
    MatchDetails,
    MatchFacts,
    OverlayFacts,
    PlayerFacts,
    PlayerGlance,
    PurseFacts,
    RoundFacts,
    TeamFacts,
)
from valo_ingest.live.matches import LiveMatch
from valo_ingest.live.ports import Connections, WatchingOverlay
from valo_ingest.live.problems import AUXILIARY_QUIET_MS, is_behind, problems_of
from valo_ingest.live.scene import Scene
from valo_ingest.live.words import connection_facts, event_facts, names_of

HEALTH: Final = "health"
ABILITIES: Final = "abilities"
SCOREBOARD: Final = "scoreboard"
"""What an auxiliary client delivers."""

BOARDS: Final = (happened.AuxiliaryScoreboardReported, happened.AuxiliaryTeamBoardReported)

Told = Mapping[type[Event], int]
"""When a client told something of each kind last."""

NOTHING: Final[Told] = {}


class Portraits:
    """Draws matches."""

    def __init__(self, activities: Activities, connections: Connections) -> None:
        self._activities = activities
        self._connections = connections

    # --- at a glance: two hundred of these are drawn every second ---------------------------------------------

    def glance(self, live: LiveMatch, scene: Scene) -> Glance:
        """Return what is on the card of a live match."""
        match = live.match
        code = match.group_code
        overlays = scene.overlays.get(code, ())
        players = self._player_glances(live, scene)
        return Glance(
            number=live.number,
            group_code=code,
            map=match.map,
            round_number=match.round_number,
            phase=match.phase,
            pause=_pause(match),
            left=_team(match.teams.left),
            right=_team(match.teams.right),
            has_events=live.chronicle.last_event_at is not None,
            observers=self._client_glances(live.observers),
            standbys=self._client_glances(live.standbys),
            players=players,
            overlays=len(overlays),
            overlays_behind=sum(1 for overlay in overlays if is_behind(overlay, code, scene.now)),
            problems=problems_of(
                live,
                now=scene.now,
                heard_at=self._heard_at(live),
                players=players,
                overlays=overlays,
                refusals=scene.refusals_of(match),
            ),
        )

    def _client_glances(self, observers: Mapping[str, Observer]) -> tuple[ClientGlance, ...]:
        return tuple(
            [
                ClientGlance(
                    name=observer.name,
                    address=observer.address,
                    client_version=observer.client_version,
                    connected_at=activity.connected_at if activity else None,
                )
                for client_id, observer in observers.items()
                for activity in (self._activities.get(client_id),)
            ]
        )

    def _heard_at(self, live: LiveMatch) -> int:
        """Return when the observer of a match told anything last, or came."""
        activities = [self._activities.get(client_id) for client_id in live.observers]
        return max((_heard_at(activity) for activity in activities if activity is not None), default=0)

    def _player_glances(self, live: LiveMatch, scene: Scene) -> tuple[PlayerGlance, ...]:
        clients = scene.clients_of(live)
        return tuple(
            [
                self._player_glance(player, seat, live, clients.get(player.player_id), scene.now)
                for seat in SEATS
                for player in live.match.teams[seat].players
            ]
        )

    def _player_glance(
        self, player: Player, seat: Seat, live: LiveMatch, client: Auxiliary | None, now: int
    ) -> PlayerGlance:
        activity = None if client is None else self._activities.get(client.client_id)
        if activity is None:
            gone_at = live.chronicle.gone_at.get(player.player_id)
            state = ClientState.NONE if gone_at is None else ClientState.GONE
            return PlayerGlance(name=player.name, seat=seat.value, state=state, since=gone_at)
        heard_at = _heard_at(activity)
        is_quiet = now - heard_at >= AUXILIARY_QUIET_MS
        return PlayerGlance(
            name=player.name,
            seat=seat.value,
            state=ClientState.QUIET if is_quiet else ClientState.FRESH,
            delivers=_delivers(player, activity.told_at),
            since=heard_at if is_quiet else None,
        )

    # --- in all details ---------------------------------------------------------------------------------------

    def facts(self, live: LiveMatch, scene: Scene) -> MatchFacts:
        """Return what a match is like, live or not."""
        match, chronicle = live.match, live.chronicle
        is_live = live.ended_at is None
        clients = scene.clients_of(live)
        glances = self._player_glances(live, scene)
        overlays = scene.overlays.get(match.group_code, ())
        seated = [(seat, player) for seat in SEATS for player in match.teams[seat].players]
        roster = {player.player_id for _, player in seated}
        return MatchFacts(
            number=live.number,
            group_code=match.group_code,
            match_id=match.match_id,
            is_live=is_live,
            is_running=match.is_running,
            is_finished=not is_live and match.phase == GAME_END,
            opened_at=live.opening.at,
            opened_by=live.opening.observer_name,
            key_name=live.opened_by.key_name,
            ended_at=live.ended_at,
            map=match.map,
            mode=match.mode,
            round_number=match.round_number,
            phase=match.phase,
            pause=_pause(match),
            left=_team(match.teams.left),
            right=_team(match.teams.right),
            events=chronicle.events_before + chronicle.events,
            events_per_s=round(chronicle.events_per_s(), 1) if is_live else 0.0,
            last_event_at=chronicle.last_event_at,
            observers=self._observers(live.observers) if is_live else (),
            standbys=self._observers(live.standbys) if is_live else (),
            players=tuple(
                self._player(player, seat, glance, clients.get(player.player_id))
                for (seat, player), glance in zip(seated, glances, strict=True)
            ),
            other_auxiliaries=tuple(
                self._client(client) for player_id, client in clients.items() if player_id not in roster
            ),
            overlays=tuple(_overlay(overlay, match.group_code, scene.now) for overlay in overlays),
            problems=self.glance(live, scene).problems if is_live else (),
        )

    def details(self, live: LiveMatch, scene: Scene) -> MatchDetails:
        """Return all that is known of a match."""
        return MatchDetails(
            match=self.facts(live, scene),
            rounds=rounds(live),
            connections=connections(live),
            events=events(live, RECENT),
            refusals=scene.refusals_of(live.match),
            each_second=live.chronicle.each_second(),
        )

    def _observers(self, observers: Mapping[str, Observer]) -> tuple[ClientFacts, ...]:
        return tuple(self._client(observer) for observer in observers.values())

    def _client(self, client: Observer | Auxiliary) -> ClientFacts:
        activity = self._activities.get(client.client_id)
        address = client.address if isinstance(client, Observer) else ""
        return ClientFacts(
            connection=activity.connection if activity else 0,
            name=client.name,
            address=address or self._connections.address_of(client.client_id),
            client_version=client.client_version,
            connected_at=activity.connected_at if activity else None,
            last_event_at=activity.last_event_at if activity else None,
        )

    def _player(
        self, player: Player, seat: Seat, glance: PlayerGlance, client: Auxiliary | None
    ) -> PlayerFacts:
        activity = None if client is None else self._activities.get(client.client_id)
        told_at = NOTHING if activity is None else activity.told_at
        return PlayerFacts(
            name=player.name,
            tagline=player.tagline,
            agent=agent_name(player.agent_internal),
            seat=seat.value,
            is_alive=player.is_alive,
            kills=player.kills,
            deaths=player.deaths,
            assists=player.assists,
            credits=player.money,
            spent=player.money_spent,
            weapon=player.weapon,
            armor=armor_name(player.armor),
            ult_points=player.ult_points,
            max_ult_points=player.max_ult_points,
            has_observer_board=player.has_scoreboard,
            auxiliary=AuxiliaryFacts(
                state=glance.state,
                client=None if client is None else self._client(client),
                gone_at=glance.since if glance.state is ClientState.GONE else None,
                delivers=glance.delivers,
                health_at=told_at.get(happened.HealthReported),
                abilities_at=told_at.get(happened.AbilitiesReported),
                scoreboard_at=max((told_at[kind] for kind in BOARDS if kind in told_at), default=None),
            ),
        )


def _heard_at(activity: Activity) -> int:
    """Return when a client told anything last, or came."""
    told_at = activity.told_at
    return max(told_at.values()) if told_at else activity.connected_at


def _delivers(player: Player, told_at: Told) -> tuple[str, ...]:
    """Return what a client delivers. What it told before it was lost is still used when it is back."""
    used = player.auxiliary
    found = []
    if used.has_health or happened.HealthReported in told_at:
        found.append(HEALTH)
    if used.has_abilities or happened.AbilitiesReported in told_at:
        found.append(ABILITIES)
    if used.has_scoreboard or any(kind in told_at for kind in BOARDS):
        found.append(SCOREBOARD)
    return tuple(found)


def rounds(live: LiveMatch) -> list[RoundFacts]:
    """Return the rounds that were played, and the one that is."""
    return list(rounds_of(live.match, live.chronicle.rounds))


def connections(live: LiveMatch) -> list[ConnectionFacts]:
    """Return who came and went, the latest first."""
    return [connection_facts(entry) for entry in reversed(live.chronicle.connections)]


def events(live: LiveMatch, newest: int, *, skip: int = 0) -> list[EventFacts]:
    """Return what was told last, the latest first, without the `skip` latest ones."""
    names = names_of(live.match)
    return [event_facts(entry, names) for entry in islice(reversed(live.chronicle.recent), skip, newest)]


def _overlay(overlay: WatchingOverlay, group_code: str, now: int) -> OverlayFacts:
    return OverlayFacts(
        address=overlay.address,
        connected_at=overlay.connected_at,
        owed_since=overlay.owed_since.get(group_code) if is_behind(overlay, group_code, now) else None,
    )


def _team(team: Team) -> TeamFacts:
    return TeamFacts(
        name=team.setup.name or "",
        tricode=team.setup.tricode or "",
        score=team.rounds_won,
        is_attacking=team.is_attacking,
    )


def _pause(match: Match) -> str:
    match match.pause:
        case TechPause():
            return "technical pause"
        case TeamTimeout(seat=seat):
            team = match.teams[seat].setup
            return f"timeout of {team.tricode or team.name or seat.value}"
    return ""


def rounds_of(match: Match, purses: Mapping[int, RoundPurses]) -> Iterator[RoundFacts]:
    """Yield the rounds that were played, and the one that is."""
    records = match.teams.map(lambda team: {result.number: result for result in team.record})
    numbers = {*purses, *(number for number, result in records.left.items() if _is_over(result.outcome))}
    for number in sorted(numbers):
        winner = reason_of_win = attackers = ""
        for seat in SEATS:
            result = records[seat].get(number)
            if result is not None and result.outcome not in NOT_WON:
                winner, reason_of_win = seat.value, result.outcome.value
            if result is not None and result.was_attack and _is_over(result.outcome):
                attackers = seat.value
        yield RoundFacts(
            number=number,
            winner=winner,
            reason=reason_of_win,
            attackers=attackers,
            left=_purse_facts(purses.get(number), match.teams.left),
            right=_purse_facts(purses.get(number), match.teams.right),
        )


NOT_WON: Final = (RoundOutcome.UPCOMING, RoundOutcome.LOST)


def _is_over(outcome: RoundOutcome) -> bool:
    return outcome is not RoundOutcome.UPCOMING


def _purse_facts(purses: RoundPurses | None, team: Team) -> PurseFacts | None:
    purse = None if purses is None else purses.purses.get(team.number)
    return None if purse is None else PurseFacts(spent=purse.spent, left=purse.left)
