// What shows of a room: the lecturer's choice of groups of controls, and whether it is presented to an audience.
import { createContext } from 'preact';
import { useContext, useEffect } from 'preact/hooks';
import { namesOf, type Place } from '../router';

export interface View {
    shows: (group: string) => boolean;
    /** Large type, and formulas beside the controls. */
    presenting: boolean;
}

export const ViewContext = createContext<View>({ shows: () => true, presenting: false });

/** The groups of the room on the screen: names in the link, and titles. */
export const groups = new Map<string, string>();

/** "Racers and their rates" is "racers-and-their-rates" in a link. */
const nameOf = (title: string) => title.toLowerCase().replace(/[^a-z0-9]+/g, '-');

/** Enters a group of controls into the list to choose from, and says whether it shows. */
export function useShown(title: string, name = nameOf(title)): boolean {
    const { shows } = useContext(ViewContext);
    useEffect(() => {
        groups.set(name, title);
        return () => void groups.delete(name);
    }, [name, title]);
    return shows(name);
}

export const usePresenting = (): boolean => useContext(ViewContext).presenting;

export function viewOf(place: Place, presenting: boolean): View {
    const only = namesOf(place, 'show'),
        hidden = namesOf(place, 'hide') ?? [];
    return { shows: (group) => (!only || only.includes(group)) && !hidden.includes(group), presenting };
}
