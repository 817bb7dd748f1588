import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import './served'; // before the address is read
import { language, t } from './language';
import { rooms } from './rooms/rooms';
import { embedded, usePlace } from './router';
import './style.css';
import 'uplot/dist/uPlot.min.css';

/** The page again in the other language. */
function otherLanguage(): string {
    const query = new URLSearchParams(location.search);
    query.set('lang', language === 'en' ? 'ru' : 'en');
    return `${location.pathname}?${query}${location.hash}`;
}

function Missing() {
    return (
        <main class="room">
            <h1>{t('There is no such room')}</h1>
            <p>{t('Choose one of the rooms above.')}</p>
        </main>
    );
}

function Page() {
    const place = usePlace();
    const room = rooms.find((r) => r.name === place.room);
    useEffect(() => {
        document.title = `${room ? t(room.title) : 'soma'} · soma studio`;
    }, [room]);
    const Room = room?.component ?? Missing;
    return (
        <>
            {!embedded && (
                <header>
                    <a class="brand" href="#/playground">
                        soma studio
                    </a>
                    <nav aria-label={t('Rooms')}>
                        {rooms.map((r) => (
                            <a href={`#/${r.name}`} aria-current={r === room ? 'page' : undefined}>
                                {t(r.title)}
                            </a>
                        ))}
                    </nav>
                    <a
                        class="language"
                        href={otherLanguage()}
                        hreflang={language === 'en' ? 'ru' : 'en'}
                        lang={language === 'en' ? 'ru' : 'en'}
                    >
                        {language === 'en' ? 'Русский' : 'English'}
                    </a>
                </header>
            )}
            <Room key={place.room} settings={place.settings} />
        </>
    );
}

document.documentElement.lang = language;
document.documentElement.classList.toggle('embedded', embedded);
render(<Page />, document.getElementById('app')!);
